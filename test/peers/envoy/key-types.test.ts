// Each type of key that SDS can make, in real traffic between Envoys. A proxy that has a certificate and
// cannot use it acknowledges everything and answers 503: only a call tells.
import assert from 'node:assert/strict';
import { Capstan } from '../support/capstan.ts';
import { CURRENT_ENVOY, envoyBinary, OLDEST_ENVOY } from './support/envoy-package.ts';
import { peerOrSkip } from '../support/presence.ts';
import { SHOP, startShopProxy } from './support/shop-proxy.ts';

/** All that `sds.keyType` takes. */
const KEY_TYPES = ['ec-p256', 'ec-p384'] as const;

for (const version of [CURRENT_ENVOY, OLDEST_ENVOY] as const) {
  describe(`Keys for Envoy ${version}`, function () {
    this.timeout(180_000);
    before(function () {
      peerOrSkip(this, envoyBinary(version), `envoy ${version}`);
    });

    for (const keyType of KEY_TYPES) {
      it(`of type ${keyType} carry calls between proxies that run the shipped bootstrap`, async () => {
        await using capstan = await Capstan.start({ sockets: [SHOP], sds: { keyType } });
        await using envoy = await startShopProxy(capstan, { version });
        await envoy.live();
        assert.equal(await envoy.call(), 200);
        const [issued] = capstan.journal().filter((record) => record.outcome === 'issued' && record.api === 'sds');
        assert.equal(issued?.outcome === 'issued' && issued.keyType, keyType);
      });
    }
  });
}
