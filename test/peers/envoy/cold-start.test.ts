// Scenario 1 of the acceptance plan: a proxy that knows nothing gets all it needs. Run with every
// bootstrap of istio-config exactly as it stands there, both protocols, newest and oldest Envoy.
import assert from 'node:assert/strict';
import type { ApiType, BootstrapName } from './support/bootstrap.ts';
import { CURRENT_ENVOY, envoyBinary, OLDEST_ENVOY } from './support/envoy-package.ts';
import { peerOrSkip } from '../support/presence.ts';
import { Capstan } from '../support/capstan.ts';
import { SHOP, SHOP_ID, startShopProxy } from './support/shop-proxy.ts';
import { visit } from '../support/tls-visit.ts';

const BOOTSTRAPS: readonly BootstrapName[] = [
  'sds-unix-socket',
  'sds-tls-token-google-grpc',
  'sds-tls-token-envoy-grpc',
];
const API_TYPES: readonly ApiType[] = ['GRPC', 'DELTA_GRPC'];

for (const version of [CURRENT_ENVOY, OLDEST_ENVOY] as const) {
  describe(`Cold start of Envoy ${version}`, function () {
    this.timeout(120_000);
    before(function () {
      peerOrSkip(this, envoyBinary(version), `envoy ${version}`);
    });

    for (const bootstrap of BOOTSTRAPS) {
      for (const apiType of API_TYPES) {
        it(`gets certificate and anchors with ${bootstrap}.yaml over ${apiType} and serves mTLS`, async () => {
          // 1. Envoy starts, and is live because it has its secrets and not because it gave up waiting for one.
          await using capstan = await Capstan.start({ sockets: [SHOP] });
          await using envoy = await startShopProxy(capstan, { version, bootstrap, apiType });
          await envoy.live();
          assert.equal(await envoy.sum(/^sds\..*init_fetch_timeout$/), 0);
          // 2. A call through it, out and in again by mTLS, is answered.
          assert.equal(await envoy.call(), 200);
          // 3. The server saw two streams and pushed one name on each; Envoy took each at the first try.
          assert.equal((await capstan.allEvents('streamOpened')).length, 2);
          const pushed = capstan.events('secretPushed').map(({ names }) => names);
          assert.deepEqual(pushed.toSorted(), [['ROOTCA'], ['default']]);
          assert.equal(await envoy.sds('default', 'update_success'), 1);
          assert.equal(await envoy.sds('ROOTCA', 'update_success'), 1);
          // 4. A client of its own sees our certificate, issued for this workload up to the corporate root.
          const sight = await visit(envoy.mtlsPort, await capstan.visitor());
          assert.equal(sight.status, 200);
          assert.equal(sight.subjectAltName, `URI:${SHOP_ID}`);
          assert.deepEqual(sight.issuers, ['Mesh Issuer 1', 'Corporate Root']);
          // 5. What was served is what was recorded.
          const issued = capstan.journal().filter(({ api, outcome }) => api === 'sds' && outcome === 'issued');
          assert.deepEqual(
            issued.map((record) => 'serial' in record && record.serial.toUpperCase()),
            [sight.serial],
          );
        });
      }
    }
  });
}
