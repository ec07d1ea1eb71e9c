import assert from 'node:assert/strict';
import { createPublicKey, X509Certificate, type JsonWebKeyInput } from 'node:crypto';
import { spiffeBundle } from '../../../src/domain/trust/spiffe-bundle.ts';
import { TrustBundle } from '../../../src/domain/trust/bundle.ts';
import { good, TEST_TRUST_DOMAIN, testAuthority } from '../../support/certificates.ts';

describe('The trust bundle for other trust domains', () => {
  it('has a key of use x509-svid for each anchor, and its certificate, in the order of the anchors', async () => {
    const authorities = await Promise.all(
      (['ec-p256', 'ec-p384', 'rsa-2048'] as const).map(async (keyType) => testAuthority({ keyType })),
    );
    const pem = authorities.map(({ root }) => root.certificatePem).join('');
    const bundle = good(TrustBundle.fromPem(TEST_TRUST_DOMAIN, pem));
    const { keys, spiffe_sequence, spiffe_refresh_hint } = spiffeBundle(bundle, {
      sequence: 7,
      refreshHintSeconds: 300,
    });
    assert.deepEqual([spiffe_sequence, spiffe_refresh_hint], [7, 300]);
    assert.equal(keys.length, 3);
    for (const [index, key] of keys.entries()) {
      const root = new X509Certificate(authorities[index]!.root.certificatePem);
      assert.equal(key.use, 'x509-svid');
      assert.deepEqual(key.x5c, [root.raw.toString('base64')]);
      const { kty, crv, x, y, n, e } = key;
      const read = createPublicKey({ key: { kty, crv, x, y, n, e }, format: 'jwk' } as JsonWebKeyInput);
      assert.ok(read.equals(root.publicKey));
      assert.equal('d' in key, false);
    }
  });
});
