// A server with the key `processes`, as its operator and its callers see it.
import assert from 'node:assert/strict';
import { createServer, type AddressInfo, type Server } from 'node:net';
import { once } from 'node:events';
import { status } from '@grpc/grpc-js';
import { JournalLock } from '../../../src/adapters/storage/sqlite/file/journal-lock.ts';
import { eventually } from '../../support/eventually.ts';
import { ChildServer } from '../support/child-server.ts';
import { RunningServer } from '../support/running-server.ts';
import { ServerFiles } from '../support/server-files.ts';
import {
  Load,
  recordedSerials,
  runs,
  tellIfThere,
  untilServing,
  workersOf,
  type Worker,
} from '../support/several-processes.ts';

const SOON = { withinMs: 40_000 };
const TWO = { processes: 2, 'sds.sockets': [] };

describe('A server of two processes', function () {
  this.timeout(120_000);
  let files: ServerFiles;
  let server: ChildServer;
  before(async () => {
    files = await ServerFiles.create();
    server = await ChildServer.start(files, TWO);
    await untilServing(files, 2);
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    files[Symbol.dispose]();
  });

  it('answers on one port from both, and each certificate is recorded by the process that issued it', async () => {
    const load = await Load.start(files, 16, () => server.client());
    await load.untilServed(64);
    await load.end();
    assert.deepEqual(new Set(load.served.map(({ outcome }) => outcome.code)), new Set([status.OK]));
    const bySlot = recordedSerials(files, 2);
    const issuedBy = [1, 2].map((slot) => load.delivered.filter((serial) => bySlot.get(slot)?.has(serial)).length);
    assert.equal(issuedBy[0]! + issuedBy[1]!, load.delivered.length);
    assert.ok(Math.min(...issuedBy) > 0, issuedBy.join(' and '));
  });

  it('has one page of health that knows its workers', async () => {
    const { ready } = (await (await server.get('/readyz')).json()) as { ready: boolean };
    assert.equal(ready, true);
    const metrics = await (await server.get('/metrics')).text();
    assert.match(metrics, /^capstan_part_ready\{part="workers"[^}]*\} 1$/m);
    assert.match(metrics, /^capstan_workers_lost_total\S* 0$/m);
  });

  it('has its data directory for itself', async () => {
    await assert.rejects(RunningServer.start({ files }), /journal\.db is in use by another Capstan/);
    await assert.rejects(RunningServer.start({ files, settings: TWO }), /journal\.db is in use by another Capstan/);
  });

  it('replaces a worker that is told to end, which answers its calls first', async () => {
    const [first, second] = workersOf(files);
    const load = await Load.start(files, 8, () => server.client());
    await load.untilServed(16);
    process.kill(second!.pid, 'SIGTERM');
    const now = await eventually('another serves', () => other(second!.pid), SOON);
    await load.end();
    assert.deepEqual(now, { slot: 2, pid: now.pid });
    assert.equal(workersOf(files)[0]?.pid, first?.pid);
    const refused = load.served.filter(({ outcome }) => outcome.code !== status.OK);
    assert.deepEqual(
      refused.filter(({ outcome }) => outcome.code !== status.UNAVAILABLE),
      [],
    );
  });

  function other(pid: number) {
    return workersOf(files).find((worker) => worker.slot === 2 && worker.pid !== pid);
  }
});

describe('A server of two processes that is told to end', () => {
  it('lets calls in flight finish, and leaves no process behind', async () => endsInOrder(() => undefined)).timeout(
    120_000,
  );

  it('does so also when its service manager tells each of its processes, again and again', async () =>
    endsInOrder((workers) => {
      const telling = setInterval(() => {
        const left = workers.filter(({ pid }) => runs(pid));
        if (left.length === 0) clearInterval(telling);
        for (const { pid } of left) tellIfThere(pid, 'SIGTERM');
      }, 1);
    })).timeout(120_000);

  /** @param first is done at the moment in which the server is told. */
  async function endsInOrder(first: (workers: readonly Worker[]) => void): Promise<void> {
    using files = await ServerFiles.create();
    const server = await ChildServer.start(files, TWO);
    const workers = await untilServing(files, 2);
    const load = await Load.start(files, 8, () => server.client());
    await load.untilServed(16);
    first(workers);
    assert.equal(await server.stop(), 0);
    await load.end();
    assert.deepEqual(
      workers.filter(({ pid }) => runs(pid)),
      [],
    );
    const codes = new Set(load.served.map(({ outcome }) => outcome.code));
    assert.deepEqual(
      [...codes].filter((code) => code !== status.OK && code !== status.UNAVAILABLE),
      [],
    );
    const recorded = recordedSerials(files, 2);
    assert.deepEqual(
      load.delivered.filter((serial) => ![...recorded.values()].some((slot) => slot.has(serial))),
      [],
    );
    assert.deepEqual(files.logged('workerLost'), []);
    for (const slot of [1, 2]) {
      using lock = JournalLock.take(`${files.path('journal.db')}.${slot}`);
      assert.equal(lock.found, 'closed');
    }
  }
});

describe('A server of two processes that cannot start', () => {
  let files: ServerFiles;
  before(async () => (files = await ServerFiles.create()));
  after(() => files[Symbol.dispose]());

  it('says what is wrong with the configuration as a server of one process does', async () => {
    const broken = { 'issuer.keyFile': files.path('no-such-file') };
    const texts: string[] = [];
    for (const processes of [1, 2]) {
      await assert.rejects(
        RunningServer.start({ files, settings: { ...TWO, processes, ...broken } }),
        (error: Error) => {
          texts.push(error.message);
          return true;
        },
      );
    }
    assert.match(texts[0] ?? '', /^CAP-X03 .*no-such-file does not exist/);
    assert.equal(texts[1], texts[0]);
  }).timeout(120_000);

  it('names a log file that cannot be written', async () => {
    for (const processes of [1, 2]) {
      const logFile = files.path('no-such-folder/capstan.log');
      const start = RunningServer.start({ files, settings: { ...TWO, processes, 'telemetry.logFile': logFile } });
      await assert.rejects(start, /CAP-X03 .*the log file .*no-such-folder\/capstan\.log .*does not exist/);
    }
  });

  it('names a port that another process has, even one that would share it', async () => {
    for (const reusePort of [false, true]) {
      const taken: Server = createServer().listen({ host: '127.0.0.1', port: 0, reusePort });
      await once(taken, 'listening');
      const address = `127.0.0.1:${(taken.address() as AddressInfo).port}`;
      const start = RunningServer.start({ files, settings: { ...TWO, 'listen.tls.address': address } });
      await assert.rejects(start, new RegExp(`CAP-X03 .*the TLS address ${address} is already in use`));
      taken.close();
    }
  }).timeout(120_000);
});
