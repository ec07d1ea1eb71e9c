import assert from 'node:assert/strict';
import { generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import {
  formatKeyType,
  ISSUER_SIGNATURES,
  KEY_FAMILIES,
  KEY_TABLE,
  KEY_TYPES,
  type KeyFamily,
} from '../../../src/domain/x509/key-types.ts';
import { readPublicKey } from '../../../src/domain/x509/public-key.ts';

const made: Readonly<Record<KeyFamily, { readonly publicKey: KeyObject; readonly privateKey: KeyObject }>> = {
  'ec-p256': generateKeyPairSync('ec', { namedCurve: 'P-256' }),
  'ec-p384': generateKeyPairSync('ec', { namedCurve: 'P-384' }),
  rsa: generateKeyPairSync('rsa', { modulusLength: 3072 }),
};

describe('The table of key types', () => {
  it('has a row for every type that a policy may name, but one that nobody certifies', () => {
    assert.deepEqual(
      KEY_TYPES.filter((type) => !(KEY_FAMILIES as readonly string[]).includes(type)),
      ['ed25519'],
    );
  });

  for (const family of KEY_FAMILIES) {
    it(`tells of ${family} what the platform tells of such a key`, () => {
      const { publicKey, privateKey } = made[family];
      const { curve, rsaBits, kind, signs } = KEY_TABLE[family];
      const { asymmetricKeyType, asymmetricKeyDetails: details } = publicKey;
      assert.equal(kind, asymmetricKeyType);
      assert.equal(curve?.name, details?.namedCurve);
      const { identifier, hash, keyKind } = ISSUER_SIGNATURES[signs];
      assert.equal(keyKind, kind);
      assert.ok(sign(hash, identifier, privateKey).length > 0);
      const read = readPublicKey(publicKey.export({ type: 'spki', format: 'der' }));
      assert.deepEqual([read.family, read.bits], [family, rsaBits === undefined ? 0 : details?.modulusLength]);
      assert.equal(read.keyType, formatKeyType({ type: family, bits: read.bits }));
    });
  }

  it('names a key by its type, and by its bits where the type leaves them open', () => {
    assert.equal(formatKeyType({ type: 'ec-p384', bits: 0 }), 'ec-p384');
    assert.equal(formatKeyType({ type: 'rsa', bits: 3072 }), 'rsa-3072');
  });
});
