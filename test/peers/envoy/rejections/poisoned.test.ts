// A proxy that holds a certificate it rejected. It builds every later TLS context from that certificate, so
// a new bundle fails with it and is blamed; and bytes that were rejected once count as accepted when they
// come again, and are used for nothing. Both would keep a proxy from a new root for good.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ApiType } from '../support/bootstrap.ts';
import { Envoy } from '../support/envoy.ts';
import { CURRENT_ENVOY, envoyBinary, type EnvoyVersion, OLDEST_ENVOY } from '../support/envoy-package.ts';
import { eventually, throughout } from '../../../support/eventually.ts';
import { HandFedSds } from '../support/hand-fed-sds.ts';
import { createRoot, issueIntermediate, issueLeaf, type TestAuthority, type TestLeaf } from '../../support/pki.ts';
import { peerOrSkip } from '../../support/presence.ts';
import { bundleSecret, certificateSecret, ScriptedSds } from '../support/scripted-sds.ts';
import { SHOP_ID } from '../support/shop-proxy.ts';
import { visit, type Visitor } from '../../support/tls-visit.ts';

/** Envoy waits up to 30 s before it opens a stream again. */
const SOON = { withinMs: 60_000 } as const;
/** Long enough for a push that nothing holds back. */
const SILENCE_MS = 2_000;
const VARIANTS: readonly (readonly [EnvoyVersion, ApiType, boolean])[] = [
  [CURRENT_ENVOY, 'GRPC', true],
  [CURRENT_ENVOY, 'DELTA_GRPC', false],
  [OLDEST_ENVOY, 'GRPC', false],
  [OLDEST_ENVOY, 'DELTA_GRPC', true],
];

for (const [version, apiType, spiffeValidator] of VARIANTS) {
  const shape = spiffeValidator ? 'for the SPIFFE validator' : 'plain';
  describe(`Envoy ${version} over ${apiType}, holding a certificate that it rejected, with anchors ${shape}`, function () {
    this.timeout(180_000);
    before(function () {
      peerOrSkip(this, envoyBinary(version), `envoy ${version}`);
    });

    it('gets a new root once it has accepted a certificate, and never blames the bundle', async () => {
      await using stack = new AsyncDisposableStack();
      const cast = await castOf(stack);
      const sds = stack.use(await HandFedSds.listen(cast.socket, { spiffeValidator }));
      sds.offer(cast.leaf);
      sds.offerAnchors(cast.root.certificatePem);
      const envoy = stack.use(await Envoy.start({ version, apiType, values: { SDS_SOCKET: cast.socket } }));
      await envoy.live();
      sds.offer(await issueLeaf(cast.issuer, { uri: SHOP_ID, weakKey: true }));
      await sds.rejectedOnce(SOON);
      // 1. The new root waits.
      const pushes = sds.pushesOf('ROOTCA');
      sds.offerAnchors(cast.bothAnchors);
      await throughout('no bundle goes out', () => sds.pushesOf('ROOTCA') === pushes, SILENCE_MS);
      // 2. With a certificate that is accepted it comes, and is used.
      sds.offer(await issueLeaf(cast.issuer, { uri: SHOP_ID }));
      await letsIn(envoy, cast.newcomer);
      assert.equal(await envoy.sds('ROOTCA', 'update_rejected'), 0);
    });

    it('takes the root that it has blamed, in other bytes, after a certificate that it accepts', async () => {
      await using stack = new AsyncDisposableStack();
      const cast = await castOf(stack);
      // 1. Another server left it with a certificate that does not parse; Capstan knows nothing of that.
      const former = await ScriptedSds.listen(cast.socket);
      const envoy = stack.use(await Envoy.start({ version, apiType, values: { SDS_SOCKET: cast.socket } }));
      await poison(former, cast);
      await envoy.live();
      await former[Symbol.asyncDispose]();
      // 2. So the new root is blamed.
      const sds = stack.use(await HandFedSds.listen(cast.socket, { spiffeValidator }));
      sds.offerAnchors(cast.bothAnchors);
      await sds.rejectedOnce(SOON);
      assert.equal(await envoy.sds('ROOTCA', 'update_rejected'), 1);
      // 3. A good certificate heals the proxy, and the same anchors come in other bytes.
      sds.offer(await issueLeaf(cast.issuer, { uri: SHOP_ID }));
      await letsIn(envoy, cast.newcomer);
      assert.equal(await envoy.sds('ROOTCA', 'update_rejected'), 1);
    });
  });
}

interface Cast {
  readonly socket: string;
  readonly root: TestAuthority;
  readonly issuer: TestAuthority;
  readonly leaf: TestLeaf;
  readonly bothAnchors: string;
  /** Its certificate is under the new root. */
  readonly newcomer: Visitor;
}

async function castOf(stack: AsyncDisposableStack): Promise<Cast> {
  const workDir = mkdtempSync(path.join(tmpdir(), 'cq-'));
  stack.defer(() => rmSync(workDir, { recursive: true, force: true }));
  const [root, next] = [await createRoot('Corporate Root'), await createRoot('Next Root')];
  const issuer = await issueIntermediate(root, 'Mesh Issuer');
  const nextIssuer = await issueIntermediate(next, 'Next Mesh Issuer');
  return {
    socket: path.join(workDir, 's.sock'),
    root,
    issuer,
    leaf: await issueLeaf(issuer, { uri: SHOP_ID }),
    bothAnchors: root.certificatePem + next.certificatePem,
    newcomer: { identity: await issueLeaf(nextIssuer, { uri: SHOP_ID }), anchorsPem: root.certificatePem },
  };
}

async function poison(sds: ScriptedSds, { leaf, root }: Cast): Promise<void> {
  const send = async (name: string, secret: ReturnType<typeof bundleSecret>, version: string): Promise<unknown> => {
    const stream = await sds.stream(name, { signal: AbortSignal.timeout(30_000) });
    const answer =
      stream.kind === 'sotw' ? await stream.send(version, [secret]) : await stream.send(version, [{ name, secret }]);
    return answer.errorDetail;
  };
  await send('default', certificateSecret('default', leaf), '1');
  await send('ROOTCA', bundleSecret('ROOTCA', root.certificatePem), '2');
  const broken = certificateSecret('default', { ...leaf, chainPem: 'garbage' });
  assert.notEqual(await send('default', broken, '3'), undefined);
}

async function letsIn(envoy: Envoy, visitor: Visitor): Promise<void> {
  const enters = async (): Promise<boolean> =>
    visit(envoy.mtlsPort, visitor).then(
      ({ status }) => status === 200,
      () => false,
    );
  await eventually('a visitor under the new root gets in', enters, SOON);
}
