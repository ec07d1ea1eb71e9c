import assert from 'node:assert/strict';
import { createPrivateKey, createPublicKey } from 'node:crypto';
import { keyGenerator } from '../../../../src/adapters/issuers/memory/key-generator.ts';

describe('The key generator', () => {
  for (const [keyType, curve] of [
    ['ec-p256', 'prime256v1'],
    ['ec-p384', 'secp384r1'],
  ] as const) {
    it(`makes a new ${keyType} key each time, as unencrypted PKCS#8 with its public half`, async () => {
      const [one, two] = await Promise.all([keyGenerator.generate(keyType), keyGenerator.generate(keyType)]);
      assert.notEqual(one.privateKeyPem, two.privateKeyPem);
      assert.match(one.privateKeyPem, /^-----BEGIN PRIVATE KEY-----\n/);
      const publicKey = createPublicKey(createPrivateKey(one.privateKeyPem));
      assert.equal(publicKey.asymmetricKeyDetails?.namedCurve, curve);
      assert.deepEqual(publicKey.export({ format: 'der', type: 'spki' }), Buffer.from(one.spki));
    });
  }
});
