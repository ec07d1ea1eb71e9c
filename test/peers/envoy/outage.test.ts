// Scenarios 6 and 7: Capstan goes away, by SIGKILL, for longer than a renewal could wait, and comes
// back with or without its memory. Traffic must not notice.
import assert from 'node:assert/strict';
import type { ApiType } from './support/bootstrap.ts';
import { Capstan, type LogLine } from '../support/capstan.ts';
import { CURRENT_ENVOY, envoyBinary } from './support/envoy-package.ts';
import { eventually, throughout } from '../../support/eventually.ts';
import { MeshLoad, startMesh } from './support/mesh.ts';
import { peerOrSkip } from '../support/presence.ts';
import { SHOP } from './support/shop-proxy.ts';
import { visit } from '../support/tls-visit.ts';

/** Renewal falls due after about ten seconds, within the outage; the leaf outlives that by far. */
const SETTINGS = { sockets: [SHOP], ttl: '100s', renewAt: 0.1 } as const;
const OUTAGE_MS = 15_000;
const RECONNECT_MS = 60_000;
type Round = readonly [ApiType, 'kept' | 'lost'];
const ROUNDS: readonly Round[] = [
  ['GRPC', 'kept'],
  ['DELTA_GRPC', 'lost'],
];

describe('Outage of Capstan', function () {
  this.timeout(300_000);
  before(function () {
    peerOrSkip(this, envoyBinary(CURRENT_ENVOY), `envoy ${CURRENT_ENVOY}`);
  });

  it('is not noticed by traffic over 15 s after SIGKILL, with its memory kept (GRPC) or lost (DELTA_GRPC)', async () => {
    // Both at once, for most of it is waiting.
    const rounds = ROUNDS.map(async (round) =>
      outlive(round).catch((cause: unknown) => assert.fail(`${round.join(', ')}: ${String(cause)}`)),
    );
    await Promise.all(rounds);
  });
});

/** Of a proxy over one protocol, whose server comes back with or without its memory. */
async function outlive([apiType, memory]: Round): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const capstan = stack.use(await Capstan.start(SETTINGS));
  const mesh = await startMesh(stack, capstan, apiType);
  const { envoy, visitor } = mesh;
  const load = stack.use(new MeshLoad(envoy, 0.1));
  const failures = await envoy.sds('default', 'update_failure');
  await capstan.logMark(); // what is not written yet would be lost
  // 1. SIGKILL. Envoy notices, and goes on with what it has: on a busy machine perhaps the second certificate already.
  await capstan.kill9();
  await eventually(
    'the stream is down',
    async () => (await envoy.sds('default', 'control_plane.connected_state')) === 0,
    { withinMs: 30_000 },
  );
  const { serial } = await visit(envoy.mtlsPort, visitor);
  const contexts = await envoy.sum(/^cluster\.peers\..*ssl_context_update_by_sds$/);
  await throughout(
    'the old certificate is served',
    async () => (await visit(envoy.mtlsPort, visitor)).serial === serial,
    OUTAGE_MS,
  );
  assert.ok((await envoy.sds('default', 'update_failure')) > failures);
  // 2. Capstan comes back, with its files or without its memory of decisions.
  if (memory === 'lost') capstan.forget();
  const mark = await capstan.logMark();
  await capstan.restart();
  // 3. Both streams are back within Envoy's back-off, and the renewal that was due has been pushed.
  await eventually('both streams are up', async () => (await envoy.sum(/^sds\..*connected_state$/)) === 2, {
    withinMs: RECONNECT_MS,
  });
  await eventually('a newer certificate', async () => (await visit(envoy.mtlsPort, visitor)).serial !== serial, {
    withinMs: 30_000,
  });
  // 4. The bundle has the version that it had, so it rebuilt nothing: one update, for the leaf.
  await capstan.logMark();
  assert.equal(new Set(pushesOf(capstan, 'ROOTCA').map((line) => line['version'])).size, 1);
  const accounted = async (): Promise<boolean> => {
    const leafPushes = pushesOf(capstan, 'default', mark).length;
    return (await envoy.sum(/^cluster\.peers\..*ssl_context_update_by_sds$/)) === contexts + leafPushes;
  };
  await eventually('as many updates as leaves', accounted, { withinMs: 30_000 });
  // 5. Nothing failed and nothing was rejected.
  await load.assertFlawless();
  assert.equal(await envoy.sum(/^sds\..*update_rejected$/), 0);
}

function pushesOf(capstan: Capstan, name: string, from = 0): readonly LogLine[] {
  return capstan.events('secretPushed', from).filter((line) => String(line['names']) === name);
}
