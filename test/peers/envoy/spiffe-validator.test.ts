// Anchors in the shape of Envoy's SPIFFE validator: chosen for the whole mesh or by one proxy, in its
// node metadata, under the key that SPIRE's proxies use.
import assert from 'node:assert/strict';
import type { ApiType } from '../bootstrap.ts';
import { Capstan } from '../capstan.ts';
import { CURRENT_ENVOY, envoyBinary, OLDEST_ENVOY } from '../envoy-package.ts';
import { issueLeaf } from '../pki.ts';
import { peerOrSkip } from '../presence.ts';
import { SHOP, startShopProxy } from '../shop-proxy.ts';
import { visit } from '../tls-visit.ts';

const VALIDATOR = 'envoy.tls.cert_validator.spiffe';
const ROUNDS = [
  [CURRENT_ENVOY, 'GRPC'],
  [OLDEST_ENVOY, 'DELTA_GRPC'],
] as const satisfies readonly (readonly [string, ApiType])[];

for (const [version, apiType] of ROUNDS) {
  describe(`The SPIFFE validator of Envoy ${version} over ${apiType}`, function () {
    this.timeout(60_000);
    before(function () {
      peerOrSkip(this, envoyBinary(version), `envoy ${version}`);
    });

    it('takes our bundle, lets the mesh in and keeps another trust domain of the same root out', async () => {
      await using capstan = await Capstan.start({ sockets: [SHOP], sds: { spiffeValidator: true } });
      await using envoy = await startShopProxy(capstan, { version, apiType });
      await envoy.live();
      // 1. What Envoy holds is the validator's configuration.
      assert.ok((await envoy.secretsDump()).includes(VALIDATOR));
      // 2. The mesh's own are let in, out of this proxy and into it.
      assert.equal(await envoy.call(), 200);
      const visitor = await capstan.visitor();
      assert.equal((await visit(envoy.mtlsPort, visitor)).status, 200);
      // 3. An identity of another trust domain is refused, though its certificate has our root.
      const stranger = await issueLeaf(capstan.issuer, { uri: 'spiffe://other.test/ns/default/sa/visitor' });
      await assert.rejects(visit(envoy.mtlsPort, { ...visitor, identity: stranger }));
      assert.equal(await envoy.sum(/^listener\..*fail_verify_error$/), 1);
    });

    it('is left out for a proxy that declines it, and used for one that asks for it', async () => {
      for (const [meshWide, declines] of [
        [true, true],
        [false, false],
      ] as const) {
        await using capstan = await Capstan.start({ sockets: [SHOP], sds: { spiffeValidator: meshWide } });
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
