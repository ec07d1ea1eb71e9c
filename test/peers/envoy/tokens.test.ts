// Scenario 15: a proxy that proves itself with a token, while tokens are replaced, expire and are made
// for somebody else. Streams are ended at three seconds of age, so that each token is shown soon.
import assert from 'node:assert/strict';
import type { ApiType, BootstrapName } from './support/bootstrap.ts';
import { Capstan } from '../support/capstan.ts';
import type { Envoy } from './support/envoy.ts';
import { CURRENT_ENVOY, envoyBinary } from './support/envoy-package.ts';
import { eventually, throughout } from '../../support/eventually.ts';
import { MeshLoad, startMesh } from './support/mesh.ts';
import { peerOrSkip } from '../support/presence.ts';
import { SHOP } from './support/shop-proxy.ts';
import { writeToken } from '../support/token-files.ts';
import { visit } from '../support/tls-visit.ts';

const SETTINGS = { sockets: [SHOP], sds: { maxStreamAge: '3s' } } as const;
/** Envoy waits up to 30 s, at random, before it opens a stream again; a stream that is refused counts as a failure. */
const BACK_OFF_MS = 30_000;
/** For all that is not waiting, on a machine that others use too. */
const WORK_MS = 20_000;
/** The age of a stream, and Envoy's back-off after it. */
const NEXT_STREAM_MS = 3_000 + BACK_OFF_MS + WORK_MS;
/** One stream may be at its end, and back off once more, when the other comes back. */
const RECONNECT_MS = 2 * NEXT_STREAM_MS;
type Round = readonly [BootstrapName, ApiType];
const ROUNDS: readonly Round[] = [
  ['sds-tls-token-google-grpc', 'GRPC'],
  ['sds-tls-token-envoy-grpc', 'DELTA_GRPC'],
];

describe('A proxy that proves itself with a token', function () {
  this.timeout(700_000);
  before(function () {
    peerOrSkip(this, envoyBinary(CURRENT_ENVOY), `envoy ${CURRENT_ENVOY}`);
  });

  it('shows a replaced token on its next stream, and survives bad ones, with both bootstraps and over both protocols', async () => {
    // At once, for most of it is waiting.
    const rounds = ROUNDS.map(async (round) =>
      replaceTokens(round).catch((cause: unknown) => assert.fail(`${round.join(', ')}: ${String(cause)}`)),
    );
    await Promise.all(rounds);
  });
});

/** Of a proxy with one of the bootstraps. */
async function replaceTokens([bootstrap, apiType]: Round): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const capstan = stack.use(await Capstan.start(SETTINGS));
  const mesh = await startMesh(stack, capstan, apiType, bootstrap);
  const { envoy, visitor } = mesh;
  const load = stack.use(new MeshLoad(envoy, 0.1));
  const { serial } = await visit(envoy.mtlsPort, visitor);
  const connected = async (): Promise<boolean> => (await connectedStreams(envoy)) === 2;

  // 1. The token is replaced; streams are recycled with the new one; the first would have expired.
  const mark = await capstan.logMark();
  writeToken(envoy.directory, await capstan.token(SHOP));
  await eventually('streams opened with the new token', () => capstan.events('streamOpened', mark).length >= 2, {
    withinMs: NEXT_STREAM_MS,
  });
  await eventually('both streams', connected, { withinMs: NEXT_STREAM_MS });

  for (const bad of [{ seconds: -60 }, { audience: 'somebody-else' }]) {
    // 2. A token that is expired, or made for another audience, is refused on record.
    const refusals = await refusalsOf(capstan);
    writeToken(envoy.directory, await capstan.token(SHOP, bad));
    await eventually('a refusal', async () => (await refusalsOf(capstan)) > refusals, { withinMs: NEXT_STREAM_MS });
    await eventually('no stream left', async () => (await connectedStreams(envoy)) === 0, {
      withinMs: NEXT_STREAM_MS,
    });
    // 3. Envoy keeps its certificate meanwhile.
    await throughout('the certificate', async () => (await visit(envoy.mtlsPort, visitor)).serial === serial, 2_000);
    // 4. A good token ends it, without a restart.
    writeToken(envoy.directory, await capstan.token(SHOP));
    await eventually('both streams are back', connected, { withinMs: RECONNECT_MS });
  }
  // 5. Not one request failed through all of it, and nothing was issued anew.
  await load.assertFlawless();
  assert.equal((await visit(envoy.mtlsPort, visitor)).serial, serial);
}

async function connectedStreams(envoy: Envoy): Promise<number> {
  return envoy.sum(/^sds\.(default|ROOTCA)\.control_plane\.connected_state$/);
}

/** By the metric: of refusals that come one after the other, not each has a record of its own. */
async function refusalsOf(capstan: Capstan): Promise<number> {
  return capstan.metric('capstan_decisions_total', 'reason="CAP-A');
}
