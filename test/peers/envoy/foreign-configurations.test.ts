// Proxies that were set up for another SDS server: by SPIRE's names, and in the shape in which istiod writes
// contexts for an agent that finds an SDS socket beside it. Neither has to be changed for Capstan.
import assert from 'node:assert/strict';
import type { ApiType, BootstrapDocument } from './support/bootstrap.ts';
import { Capstan, TRUST_DOMAIN } from '../support/capstan.ts';
import { CURRENT_ENVOY, envoyBinary, OLDEST_ENVOY } from './support/envoy-package.ts';
import { issueLeaf } from '../support/pki.ts';
import { peerOrSkip } from '../support/presence.ts';
import { SHOP, SHOP_ID, startShopProxy } from './support/shop-proxy.ts';
import { visit } from '../support/tls-visit.ts';

/** As the two name the certificate and the anchors, and what they check of names. */
const CONFIGURATIONS = {
  "SPIRE's names": { certificate: SHOP_ID, anchors: `spiffe://${TRUST_DOMAIN}`, timeout: '15s' },
  "SPIRE's aliases, all bundles": { certificate: 'default', anchors: 'ALL', timeout: '15s' },
  "Istio's contexts": { certificate: 'default', anchors: 'ROOTCA', timeout: '0s' },
} as const;

type Configuration = (typeof CONFIGURATIONS)[keyof typeof CONFIGURATIONS];

/** Istio's agent speaks state of the world, as SPIRE's does. */
const API_TYPE: ApiType = 'GRPC';

for (const version of [CURRENT_ENVOY, OLDEST_ENVOY] as const) {
  describe(`Envoy ${version}, set up for another SDS server`, function () {
    this.timeout(180_000);
    before(function () {
      peerOrSkip(this, envoyBinary(version), `envoy ${version}`);
    });

    for (const [what, configuration] of Object.entries(CONFIGURATIONS)) {
      it(`by ${what} gets its certificate and lets in whom it names`, async () => {
        await using capstan = await Capstan.start({ sockets: [SHOP] });
        const amend = (document: BootstrapDocument): void => rename(document, configuration);
        await using envoy = await startShopProxy(capstan, { version, apiType: API_TYPE, amend });
        await envoy.live();
        // 1. It calls itself: its own identity is the one that its contexts name.
        assert.equal(await envoy.call(), 200);
        // 2. Another identity of the mesh verifies and is not named.
        await assert.rejects(visit(envoy.mtlsPort, await capstan.visitor()));
        // 3. Neither is anybody of another trust domain, whatever the path.
        const stranger = await issueLeaf(capstan.issuer, { uri: 'spiffe://other.test/ns/default/sa/shop' });
        await assert.rejects(visit(envoy.mtlsPort, { anchorsPem: capstan.anchorsPem, identity: stranger }));
      });
    }
  });
}

function rename(document: BootstrapDocument, { certificate, anchors, timeout }: Configuration): void {
  JSON.stringify(document, (key, value: unknown) => {
    if (typeof value !== 'object' || value === null) return value;
    const part = value as Record<string, unknown>;
    if (key === 'sds_config') part['initial_fetch_timeout'] = timeout;
    if (part['name'] === 'default' && 'sds_config' in part) part['name'] = certificate;
    if (part['name'] === 'ROOTCA') part['name'] = anchors;
    if (key === 'default_validation_context') {
      part['match_typed_subject_alt_names'] = [{ san_type: 'URI', matcher: { exact: SHOP_ID } }];
    }
    return value;
  });
}
