// An Envoy whose Unix socket several processes serve: one of them has its connection, and may die.
import assert from 'node:assert/strict';
import { Capstan } from '../support/capstan.ts';
import { CURRENT_ENVOY, envoyBinary } from './support/envoy-package.ts';
import { MeshLoad, startMesh, watchSerials } from './support/mesh.ts';
import { eventually } from '../../support/eventually.ts';
import { peerOrSkip } from '../support/presence.ts';
import { SHOP } from './support/shop-proxy.ts';

const TWO_PROCESSES = { sockets: [SHOP], ttl: '10s', renewAt: 0.1, processes: 2 } as const;

describe('An Envoy on a Unix socket of a server of two processes', function () {
  this.timeout(240_000);
  before(function () {
    peerOrSkip(this, envoyBinary(CURRENT_ENVOY), `envoy ${CURRENT_ENVOY}`);
  });

  it('goes on with the other worker when its own is killed, and loses no request', async () => {
    await using stack = new AsyncDisposableStack();
    // 1. A live Envoy that rotates about once a second, under load.
    const capstan = stack.use(await Capstan.start(TWO_PROCESSES));
    const mesh = await startMesh(stack, capstan, 'GRPC');
    const load = stack.use(new MeshLoad(mesh.envoy, 0.2));
    await watchSerials(mesh, 3, { withinMs: 60_000 });
    // 2. All its streams are at one worker, for they are one connection; that worker is killed.
    const workers = new Set((await capstan.allEvents('streamOpened')).map(({ worker }) => worker));
    assert.equal(workers.size, 1);
    const [slot] = workers;
    const mark = await capstan.logMark();
    const { pid } = capstan.events('workerServes').find((line) => line['slot'] === slot) ?? {};
    process.kill(Number(pid), 'SIGKILL');
    // 3. Envoy connects again and is served on.
    const opened = await eventually(
      'streams at a worker',
      () => capstan.events('streamOpened', mark).length >= 2 && capstan.events('streamOpened', mark),
      { withinMs: 60_000 },
    );
    assert.ok(opened.every(({ caller }) => String(caller).endsWith(`/sa/${SHOP}`)));
    await watchSerials(mesh, 3, { withinMs: 60_000 });
    // 4. Nobody who used the proxy noticed.
    await load.assertFlawless();
    assert.equal(await mesh.envoy.sum(/ssl\.(connection_error|fail_verify_.*)$/), 0);
  });
});
