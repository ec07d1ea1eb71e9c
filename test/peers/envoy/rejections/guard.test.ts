// Scenarios 8 and 10: between the issuing path and a proxy stands Capstan's own SDS service. What it
// can tell to be bad never reaches the wire; what only the proxy can tell is sent once and not again.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ApiType } from '../support/bootstrap.ts';
import { Envoy } from '../support/envoy.ts';
import { CURRENT_ENVOY, envoyBinary } from '../support/envoy-package.ts';
import { eventually, throughout } from '../../../support/eventually.ts';
import { HandFedSds } from '../support/hand-fed-sds.ts';
import { createRoot, issueIntermediate, issueLeaf, type TestAuthority, type TestLeaf } from '../../support/pki.ts';
import { peerOrSkip } from '../../support/presence.ts';
import { SHOP_ID } from '../support/shop-proxy.ts';
import { visit, type Visitor } from '../../support/tls-visit.ts';

const SOON = { withinMs: 30_000 } as const;
/** Long enough for a server that resends to have done so many times over. */
const SILENCE_MS = 3_000;

describe("Capstan's guard before the wire", function () {
  this.timeout(180_000);
  before(function () {
    peerOrSkip(this, envoyBinary(CURRENT_ENVOY), `envoy ${CURRENT_ENVOY}`);
  });

  for (const apiType of ['GRPC', 'DELTA_GRPC'] as const) {
    it(`does not resend what Envoy rejects, says so, and heals with the next good one, over ${apiType}`, async () => {
      await using stage = await openStage(apiType);
      const { sds, envoy } = stage;
      const bundleAttempts = await envoy.sds('ROOTCA', 'update_attempt');
      // 1. A certificate that verifies in every way, with a key that Envoy finds too weak.
      sds.offer(await issueLeaf(stage.issuer, { uri: SHOP_ID, weakKey: true }));
      await sds.rejectedOnce(SOON);
      const [rejection] = sds.events.of('secretRejected');
      assert.match(String(rejection!['message']), /RSA/);
      // 2. Silence: sent once, not again; the old certificate is served, the other stream undisturbed.
      const pushes = sds.pushesOf('default');
      await throughout('nothing is resent', () => sds.pushesOf('default') === pushes, SILENCE_MS);
      assert.equal((await visit(envoy.mtlsPort, stage.visitor)).serial, stage.good.serial);
      assert.equal(await envoy.sds('default', 'update_rejected'), 1);
      assert.equal(await envoy.sds('default', 'update_success'), 1);
      assert.equal(await envoy.sds('ROOTCA', 'update_attempt'), bundleAttempts);
      // 3. The next good certificate heals.
      await assertTakes(stage, await issueLeaf(stage.issuer, { uri: SHOP_ID }));
    });

    it(`lets nothing reach the wire that it can tell to be bad, and raises an alarm, over ${apiType}`, async () => {
      await using stage = await openStage(apiType);
      const { sds, envoy, good } = stage;
      const other = await issueLeaf(stage.issuer, { uri: SHOP_ID });
      const garbage: Readonly<Record<string, TestLeaf>> = {
        'a key of another certificate': { ...other, keyPem: good.keyPem },
        'a chain that is not PEM': { ...other, chainPem: 'garbage' },
        'an empty chain': { ...other, chainPem: '' },
        'no key': { ...other, keyPem: '' },
        'a certificate that is expired': await issueLeaf(stage.issuer, {
          uri: SHOP_ID,
          notAfter: new Date(Date.now() - 1_000),
        }),
        "another workload's certificate": await issueLeaf(stage.issuer, { uri: `${SHOP_ID}-2` }),
      };
      const pushes = sds.pushesOf('default');
      const attempts = await envoy.sds('default', 'update_attempt');
      for (const [index, [what, leaf]] of Object.entries(garbage).entries()) {
        // 1. Each is stopped, with an alarm that says whose secret it was and what is wrong.
        sds.offer(leaf);
        await eventually(`an alarm for ${what}`, () => sds.events.of('secretInvalid').length === index + 1, SOON);
        assert.equal(sds.events.of('secretInvalid').at(-1)!['identity'], SHOP_ID);
      }
      // 2. Envoy heard nothing of it, and serves the good certificate.
      assert.equal(sds.pushesOf('default'), pushes);
      assert.equal(await envoy.sds('default', 'update_attempt'), attempts);
      assert.equal(await envoy.sum(/^sds\..*update_rejected$/), 0);
      assert.equal((await visit(envoy.mtlsPort, stage.visitor)).serial, good.serial);
      // 3. The next good certificate goes out.
      await assertTakes(stage, other);
    });
  }
});

/** A live Envoy on a hand-fed service, with one good certificate. */
interface Stage extends AsyncDisposable {
  readonly sds: HandFedSds;
  readonly envoy: Envoy;
  readonly issuer: TestAuthority;
  readonly good: TestLeaf;
  readonly visitor: Visitor;
}

async function openStage(apiType: ApiType): Promise<Stage> {
  await using stack = new AsyncDisposableStack();
  const workDir = mkdtempSync(path.join(tmpdir(), 'ch-'));
  stack.defer(() => rmSync(workDir, { recursive: true, force: true }));
  const socket = path.join(workDir, 's.sock');
  const root = await createRoot('Corporate Root');
  const issuer = await issueIntermediate(root, 'Mesh Issuer');
  const good = await issueLeaf(issuer, { uri: SHOP_ID });
  const visitor = { identity: await issueLeaf(issuer, { uri: SHOP_ID }), anchorsPem: root.certificatePem };
  const sds = stack.use(await HandFedSds.listen(socket));
  sds.offer(good);
  sds.offerAnchors(root.certificatePem);
  const envoy = stack.use(await Envoy.start({ apiType, values: { SDS_SOCKET: socket } }));
  await envoy.live();
  const owned = stack.move();
  return { sds, envoy, issuer, good, visitor, [Symbol.asyncDispose]: async () => owned.disposeAsync() };
}

async function assertTakes({ sds, envoy, visitor }: Stage, leaf: TestLeaf): Promise<void> {
  sds.offer(leaf);
  const taken = async (): Promise<boolean> => (await visit(envoy.mtlsPort, visitor)).serial === leaf.serial;
  await eventually('the good certificate', taken, SOON);
}
