// Anchors in the shape of Envoy's SPIFFE validator: the default, which the mesh or one proxy may decline, a
// proxy in its node metadata, under the key that SPIRE's proxies use.
import assert from 'node:assert/strict';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { ApiType, BootstrapDocument } from './support/bootstrap.ts';
import { Capstan } from '../support/capstan.ts';
import { CURRENT_ENVOY, envoyBinary, OLDEST_ENVOY } from './support/envoy-package.ts';
import { createRoot, issueIntermediate, issueLeaf, type TestLeaf } from '../support/pki.ts';
import { peerOrSkip } from '../support/presence.ts';
import { SHOP, startShopProxy } from './support/shop-proxy.ts';
import { visit } from '../support/tls-visit.ts';

const VALIDATOR = 'envoy.tls.cert_validator.spiffe';
const ROUNDS = [
  [CURRENT_ENVOY, 'GRPC'],
  [OLDEST_ENVOY, 'DELTA_GRPC'],
] as const satisfies readonly (readonly [string, ApiType])[];

for (const [version, apiType] of ROUNDS) {
  describe(`The SPIFFE validator of Envoy ${version} over ${apiType}`, function () {
    this.timeout(180_000);
    before(function () {
      peerOrSkip(this, envoyBinary(version), `envoy ${version}`);
    });

    it('is on by default: lets the mesh in and keeps another trust domain of the same root out', async () => {
      await using capstan = await Capstan.start({ sockets: [SHOP] });
      await using envoy = await startShopProxy(capstan, { version, apiType, amend: checkingNoNames });
      await envoy.live();
      // 1. What Envoy holds is the validator's configuration.
      assert.ok((await envoy.secretsDump()).includes(VALIDATOR));
      // 2. The mesh's own are let in, out of this proxy and into it.
      assert.equal(await envoy.call(), 200);
      const visitor = await capstan.visitor();
      assert.equal((await visit(envoy.mtlsPort, visitor)).status, 200);
      // 3. An identity of another trust domain is refused, though its certificate has our root and no name is checked.
      await assert.rejects(visit(envoy.mtlsPort, { ...visitor, identity: await strangerOf(capstan) }));
      assert.equal(await envoy.sum(/^listener\..*fail_verify_error$/), 1);
    });

    it('is missed where it is off and the proxy checks no names: another trust domain of the root gets in', async () => {
      await using capstan = await Capstan.start({ sockets: [SHOP], sds: { spiffeValidator: false } });
      await using envoy = await startShopProxy(capstan, { version, apiType, amend: checkingNoNames });
      await envoy.live();
      const visitor = { ...(await capstan.visitor()), identity: await strangerOf(capstan) };
      assert.equal((await visit(envoy.mtlsPort, visitor)).status, 200);
    });

    it('demands a client certificate, so a listener that asks for none has to decline it', async () => {
      await using capstan = await Capstan.start({ sockets: [SHOP] });
      const nobody = { anchorsPem: capstan.anchorsPem };
      for (const declines of [false, true]) {
        await using envoy = await startShopProxy(capstan, {
          version,
          apiType,
          amend: (document) => {
            askForNoCertificate(document);
            Object.assign(document.node, { metadata: { disable_spiffe_cert_validation: declines } });
          },
        });
        await envoy.live();
        const visited = visit(envoy.mtlsPort, nobody);
        if (declines) assert.equal((await visited).status, 200);
        else await assert.rejects(visited);
      }
    });

    it('takes callers of a listed trust domain under its own root, and none that name another under it', async () => {
      const foreignRoot = await createRoot('Other Corporate Root');
      const foreignIssuer = await issueIntermediate(foreignRoot, 'Other Mesh Issuer');
      const workDir = mkdtempSync(path.join(tmpdir(), 'cf-'));
      try {
        const file = path.join(workDir, 'other.pem');
        writeFileSync(file, foreignRoot.certificatePem);
        const federated = [{ trustDomain: 'other.test', file }];
        await using capstan = await Capstan.start({ sockets: [SHOP], federated });
        await using envoy = await startShopProxy(capstan, { version, apiType, amend: checkingNoNames });
        await envoy.live();
        const { anchorsPem } = capstan;
        const visitAs = async (uri: string) =>
          visit(envoy.mtlsPort, { anchorsPem, identity: await issueLeaf(foreignIssuer, { uri }) });
        // 1. Their identities under their root, and still our own under ours.
        assert.equal((await visitAs('spiffe://other.test/ns/default/sa/visitor')).status, 200);
        assert.equal((await visit(envoy.mtlsPort, await capstan.visitor())).status, 200);
        // 2. Their root vouches for nobody of this trust domain, and ours for nobody of theirs.
        await assert.rejects(visitAs('spiffe://cluster.local/ns/default/sa/shop'));
        const ours = { anchorsPem, identity: await strangerOf(capstan) };
        await assert.rejects(visit(envoy.mtlsPort, ours));
      } finally {
        rmSync(workDir, { recursive: true, force: true });
      }
    });

    it('is left out for a proxy that declines it, and used for one that asks for it', async () => {
      for (const [sds, declines] of [
        [{}, true],
        [{ spiffeValidator: false }, false],
      ] as const) {
        await using capstan = await Capstan.start({ sockets: [SHOP], sds });
        await using envoy = await startShopProxy(capstan, {
          version,
          apiType,
          amend: ({ node }) => Object.assign(node, { metadata: { disable_spiffe_cert_validation: declines } }),
        });
        await envoy.live();
        assert.equal((await envoy.secretsDump()).includes(VALIDATOR), !declines);
        assert.equal(await envoy.call(), 200);
      }
    });
  });
}

/** As many Envoys are configured: whoever has a certificate under the anchors is taken. */
function checkingNoNames(document: BootstrapDocument): void {
  for (const context of validationContexts(document)) context['default_validation_context'] = {};
}

/** A listener for callers outside the mesh: it shows its certificate and takes anybody. */
function askForNoCertificate(document: BootstrapDocument): void {
  checkingNoNames(document);
  for (const { filter_chains } of document.static_resources.listeners) {
    const tls = filter_chains[0].transport_socket?.typed_config;
    if (tls !== undefined) tls['require_client_certificate'] = false;
  }
}

function validationContexts(document: BootstrapDocument): Record<string, unknown>[] {
  const contexts: Record<string, unknown>[] = [];
  JSON.stringify(document, (key, value: unknown) => {
    if (key === 'combined_validation_context') contexts.push(value as Record<string, unknown>);
    return value;
  });
  return contexts;
}

async function strangerOf(capstan: Capstan): Promise<TestLeaf> {
  return issueLeaf(capstan.issuer, { uri: 'spiffe://other.test/ns/default/sa/visitor' });
}
