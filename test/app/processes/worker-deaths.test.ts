// What the death of a worker costs, at any moment: its own connections, and nothing that was delivered.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, readdirSync, renameSync } from 'node:fs';
import { connect, type Socket } from 'node:net';
import { status } from '@grpc/grpc-js';
import { killWorkers } from '../../soak/worker-deaths.ts';
import { buildCsr } from '../../support/certificates.ts';
import { eventually } from '../../support/eventually.ts';
import { stopwatch } from '../../support/stopwatch.ts';
import { ChildServer } from '../support/child-server.ts';
import { ServerFiles } from '../support/server-files.ts';
import {
  kill9,
  Load,
  recordedSerials,
  serialsOf,
  untilServing,
  unrecorded,
  workersOf,
} from '../support/several-processes.ts';

const TWO = { processes: 2, 'sds.sockets': [] };
const SOON = { withinMs: 40_000 };

describe('A worker that is killed under load', () => {
  it('takes its own connections with it, and every certificate that was delivered is recorded once', async () => {
    const deaths = await killWorkers((kills) => kills < 5);
    const { kills, unrecorded: missing, recordedTwice, otherStatus, unaffectedFailed, certificates } = deaths;
    assert.deepEqual(
      { kills, missing, recordedTwice, otherStatus, unaffectedFailed },
      { kills: 5, missing: 0, recordedTwice: 0, otherStatus: 0, unaffectedFailed: 0 },
    );
    assert.ok(certificates > 100);
  }).timeout(300_000);
});

describe('A server of two processes', function () {
  this.timeout(120_000);
  let files: ServerFiles;
  let server: ChildServer;
  beforeEach(async () => {
    files = await ServerFiles.create();
    server = await ChildServer.start(files, TWO);
    await untilServing(files, 2);
  });
  afterEach(async () => {
    await server[Symbol.asyncDispose]();
    files[Symbol.dispose]();
  });

  it('replaces a worker that stands still after two seconds, while the other answers', async () => {
    const load = await Load.start(files, 16, () => server.client());
    await load.untilServed(32);
    const stuck = workersOf(files)[1]!;
    const stoppedMs = performance.now();
    const sinceStopped = stopwatch(server.pid);
    process.kill(stuck.pid, 'SIGSTOP');
    await eventually('it is lost', () => files.logged('workerLost').length === 1, SOON);
    const lostMs = performance.now() - stoppedMs;
    const knownMs = sinceStopped();
    await untilServing(files, 2);
    await load.untilServed(32);
    await load.end();
    assert.match(String(files.logged('workerLost')[0]?.['why']), /did not answer for 2000 ms/);
    // The log is flushed every 200 ms; a loaded machine takes its time.
    assert.ok(lostMs >= 1_900 && knownMs < 10_000, `${lostMs} ms, ${knownMs} ms with a processor`);
    assert.deepEqual(
      load.failures.filter(({ outcome }) => outcome.code !== status.UNAVAILABLE),
      [],
    );
    // Meanwhile the other one answered.
    const first = recordedSerials(files, 2).get(1)!;
    const during = load.served.filter(({ answeredMs }) => answeredMs > stoppedMs && answeredMs < stoppedMs + lostMs);
    assert.ok(during.some(({ outcome }) => serialsOf(outcome).some((serial) => first.has(serial))));
    assert.deepEqual(unrecorded(files, 2, load.delivered), []);
  });

  it('begins no second store for a worker that finds its journals taken away, and serves when they are back', async () => {
    const away = files.path('away');
    mkdirSync(away);
    const journals = readdirSync(files.directory).filter((name) => name.startsWith('journal.db'));
    for (const name of journals) renameSync(files.path(name), `${away}/${name}`);
    await kill9(workersOf(files)[1]!.pid);
    await eventually('it is tried again', () => files.logged('workerFailed').length >= 2, SOON);
    for (const { cause } of files.logged('workerFailed')) {
      assert.match(
        JSON.stringify(cause),
        /journal\.db\.2 is gone from its place; put it back, or stop Capstan and look/,
      );
    }
    assert.deepEqual(
      readdirSync(files.directory).filter((name) => name.startsWith('journal.db')),
      [],
    );
    for (const name of journals) renameSync(`${away}/${name}`, files.path(name));
    await untilServing(files, 2);
    await eventually(
      'all is well',
      async () => (await readyz()).degraded === undefined && (await readyz()).ready,
      SOON,
    );
  });

  async function readyz(): Promise<{ readonly ready: boolean; readonly degraded?: unknown }> {
    return (await (await server.get('/readyz')).json()) as { readonly ready: boolean };
  }

  it('decides by the newest policy in each worker, also in one that died while policies changed', async () => {
    const load = await Load.start(files, 4, () => server.client());
    for (let change = 0; change < 4; change += 1) {
      const victim = (await untilServing(files, 2))[change % 2]!;
      files.setPolicy([{ namespaces: ['default'] }]);
      await kill9(victim.pid);
    }
    files.setPolicy([{ namespaces: ['default', 'late'] }]);
    await untilServing(files, 2);
    await load.end();
    const authorization = `Bearer ${await files.mint.tokenIn('late', 'demo')}`;
    const csr = (await buildCsr()).pem;
    await eventually(
      'eight connections in a row are answered',
      async () => {
        for (let connection = 0; connection < 8; connection += 1) {
          using client = server.client();
          if ((await client.call({ csr, headers: { authorization } })).code !== status.OK) return false;
        }
        return true;
      },
      SOON,
    );
    assert.deepEqual(unrecorded(files, 2, load.delivered), []);
  });

  it('lives through a worker without a free descriptor, which serves on when it has some', async () => {
    const workers = workersOf(files);
    for (const { pid } of workers) limitDescriptors(pid, highestDescriptor(pid) + 8);
    const strangers: Socket[] = Array.from({ length: 400 }, () =>
      connect(server.tlsPort, '127.0.0.1').on('error', () => undefined),
    );
    await Promise.all(
      strangers.map(async (one) => new Promise((resolve) => one.once('connect', resolve).once('close', resolve))),
    );
    // They hold the descriptors for longer than it takes a worker to do all that it does again and again.
    const seen = new Set<string>();
    await eventually(
      'the supervisor hears of both again and again',
      async () => {
        const page = await (await server.get('/metrics')).text();
        for (const [line] of page.matchAll(/^process_cpu_seconds_total\{worker="[12]"\} .*$/gm)) seen.add(line);
        return [1, 2].every((slot) => [...seen].filter((line) => line.includes(`"${slot}"`)).length > 3);
      },
      { ...SOON, everyMs: 1_000 },
    );
    for (const stranger of strangers) stranger.destroy();
    const load = await Load.start(files, 4, () => server.client());
    await load.untilServed(16);
    await load.end();
    assert.deepEqual(workersOf(files), workers);
    assert.deepEqual(unrecorded(files, 2, load.delivered), []);
  });

  it('starts no worker without a free descriptor, serves with the other, and recovers by itself', async () => {
    // Below what it has: a worker that ends would make room for the next.
    const former = limitDescriptors(server.pid, 10);
    const killed = workersOf(files)[1]!;
    await kill9(killed.pid);
    // One process waits for such a case; its successor cannot be started.
    const spare = await eventually('the spare one serves', () => workersOf(files).find(isOther(killed.pid)), SOON);
    await kill9(spare.pid);
    await eventually('it cannot be replaced', () => files.logged('workerFailed').length > 0, SOON);
    const load = await Load.start(files, 4, () => server.client());
    await load.untilServed(16);
    await load.end();
    execFileSync('prlimit', ['--pid', String(server.pid), `--nofile=${former}:`]);
    await untilServing(files, 2);
    assert.deepEqual(unrecorded(files, 2, load.delivered), []);
  });
});

const isOther =
  (pid: number) =>
  (worker: { readonly slot: number; readonly pid: number }): boolean =>
    worker.slot === 2 && worker.pid !== pid;

/** No descriptor from this number on (prlimit(1)); those that are open stay. @returns the limit that it had. */
function limitDescriptors(pid: number, number: number): string {
  const former = execFileSync('prlimit', ['--pid', String(pid), '--nofile', '--raw', '--noheadings', '--output=SOFT']);
  execFileSync('prlimit', ['--pid', String(pid), `--nofile=${number}:`]);
  return former.toString().trim();
}

function highestDescriptor(pid: number): number {
  return Math.max(...readdirSync(`/proc/${pid}/fd`).map(Number));
}
