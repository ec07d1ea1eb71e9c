// Scenario 11: policy says no to a proxy that starts, and later says yes. The other secret must come
// all the same, and the yes must need no restart.
import assert from 'node:assert/strict';
import type { ApiType, BootstrapDocument } from './support/bootstrap.ts';
import { Capstan } from '../support/capstan.ts';
import type { Envoy } from './support/envoy.ts';
import { CURRENT_ENVOY, envoyBinary } from './support/envoy-package.ts';
import { eventually } from '../../support/eventually.ts';
import { peerOrSkip } from '../support/presence.ts';
import { SHOP, startShopProxy } from './support/shop-proxy.ts';
import { visit, type Visitor } from '../support/tls-visit.ts';

/** Of the first fetch, instead of the bootstraps' 15 s: so that a test can wait for it, or that no start of Envoy takes as long. */
const SHORT_S = 4;
const LONG_S = 600;
const HEAL_MS = 60_000;

describe('A proxy whose certificate policy refuses', function () {
  this.timeout(180_000);
  before(function () {
    peerOrSkip(this, envoyBinary(CURRENT_ENVOY), `envoy ${CURRENT_ENVOY}`);
  });

  it('opens its port after the fetch time-out, resets connections, and heals when policy says yes, over GRPC', async () => {
    await using stage = await open('GRPC', SHORT_S);
    const { capstan, envoy, visitor } = stage;
    // 1. Envoy waits for the certificate, no longer than it was told to.
    await envoy.live();
    assert.equal(await envoy.sds('default', 'init_fetch_timeout'), 1);
    // 2. The anchors came; connections are reset for want of a certificate, and counted.
    assert.equal(await envoy.sds('ROOTCA', 'update_success'), 1);
    await assert.rejects(visit(envoy.mtlsPort, visitor));
    assert.equal(await envoy.sum(/^listener\..*downstream_context_secrets_not_ready$/), 1);
    assert.equal(await envoy.call(), 503);
    await assertRefusedThenHeals(capstan, envoy, visitor);
  });

  it('is live at once, because the name is answered as absent, and heals when policy says yes, over DELTA_GRPC', async () => {
    await using stage = await open('DELTA_GRPC', LONG_S);
    const { capstan, envoy, visitor } = stage;
    // 1. The answer "no such secret" ends the wait before the fetch time-out would.
    await envoy.live();
    assert.equal(await envoy.sum(/^sds\..*init_fetch_timeout$/), 0);
    // 2. The anchors came; connections are reset for want of a certificate.
    assert.equal(await envoy.sds('ROOTCA', 'update_success'), 1);
    await assert.rejects(visit(envoy.mtlsPort, visitor));
    await assertRefusedThenHeals(capstan, envoy, visitor);
  });
});

interface Stage extends AsyncDisposable {
  readonly capstan: Capstan;
  readonly envoy: Envoy;
  readonly visitor: Visitor;
}

async function open(apiType: ApiType, fetchSeconds: number): Promise<Stage> {
  await using stack = new AsyncDisposableStack();
  const capstan = stack.use(await Capstan.start({ sockets: [SHOP], namespaces: ['elsewhere'] }));
  const envoy = stack.use(await startShopProxy(capstan, { apiType, amend: waitingFor(fetchSeconds) }));
  const visitor = await capstan.visitor();
  const owned = stack.move();
  return { capstan, envoy, visitor, [Symbol.asyncDispose]: async () => owned.disposeAsync() };
}

async function assertRefusedThenHeals(capstan: Capstan, envoy: Envoy, visitor: Visitor): Promise<void> {
  // 3. The refusal is on record, and the stream of the unavailable name is still open.
  const refused = capstan.journal().filter(({ outcome }) => outcome === 'refused');
  assert.ok(refused.some((record) => record.outcome === 'refused' && record.reason === 'CAP-P01'));
  assert.equal(await envoy.sum(/^sds\..*connected_state$/), 2);
  // 4. Policy says yes: the certificate arrives on the open stream.
  const mark = await capstan.logMark();
  capstan.setPolicy(['default']);
  await eventually('a certificate', async () => (await visit(envoy.mtlsPort, visitor)).status === 200, {
    withinMs: HEAL_MS,
  });
  assert.equal(await envoy.call(), 200);
  assert.deepEqual(await capstan.allEvents('streamOpened', mark), []);
}

const waitingFor =
  (fetchSeconds: number) =>
  (document: BootstrapDocument): void => {
    const visitNode = (node: unknown): void => {
      if (typeof node !== 'object' || node === null) return;
      if ('initial_fetch_timeout' in node) node.initial_fetch_timeout = `${fetchSeconds}s`;
      Object.values(node).forEach(visitNode);
    };
    visitNode(document);
  };
