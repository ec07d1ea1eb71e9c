// A supervisor that is killed leaves workers behind: they end by themselves, and a new server waits for them or says
// that they are there.
import assert from 'node:assert/strict';
import { status } from '@grpc/grpc-js';
import { ChildServer } from '../support/child-server.ts';
import { RunningServer } from '../support/running-server.ts';
import { ServerFiles } from '../support/server-files.ts';
import { kill9, Load, runs, unrecorded, untilServing } from '../support/several-processes.ts';

describe('Workers whose supervisor was killed', function () {
  this.timeout(180_000);
  let files: ServerFiles;
  beforeEach(async () => (files = await ServerFiles.create()));
  afterEach(() => files[Symbol.dispose]());

  it('answer what they were asked and end, and a new server on the same port takes over', async () => {
    const former = await ChildServer.start(files, settings(0));
    const workers = await untilServing(files, 2);
    const load = await Load.start(files, 8, () => former.client());
    await load.untilServed(16);
    await former.kill9();
    await using server = await ChildServer.start(files, settings(former.tlsPort));
    await load.untilServed(16);
    await load.end();
    assert.deepEqual(
      workers.filter(({ pid }) => runs(pid)),
      [],
    );
    assert.equal(server.tlsPort, former.tlsPort);
    assert.deepEqual(
      load.failures.filter(({ outcome }) => outcome.code !== status.UNAVAILABLE),
      [],
    );
    assert.deepEqual(unrecorded(files, 2, load.delivered), []);
  });

  it('are named by a new server when they do not end, and it does not start beside them', async () => {
    const former = await ChildServer.start(files, settings(0));
    const stuck = (await untilServing(files, 2))[1]!;
    process.kill(stuck.pid, 'SIGSTOP');
    await former.kill9();
    const start = RunningServer.start({ files, settings: { ...settings(0), 'shutdown.drainDeadline': '0s' } });
    await assert.rejects(start, /CAP-X03 .*journal\.db\.2 is in use by another Capstan/);
    const waits = files.logged('lifecycle').filter(({ phase }) => phase === 'waiting');
    assert.match(String(waits.at(-1)?.['detail']), /a worker of a former server still writes .*journal\.db\.2/);
    await kill9(stuck.pid);
    await using server = await RunningServer.start({ files, settings: settings(0) });
    assert.equal((await server.ask('default', 'demo')).code, status.OK);
  });
});

function settings(port: number) {
  return { processes: 2, 'sds.sockets': [], 'listen.tls.address': `127.0.0.1:${port}` };
}
