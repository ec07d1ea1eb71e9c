// Which keys are refused stands in the vectors (certificate-request.test.ts); here is what an accepted one is.
import assert from 'node:assert/strict';
import { createHash, createPublicKey } from 'node:crypto';
import { readPublicKey } from '../../../src/domain/x509/public-key.ts';
import { ecKeys, rsaKeys } from '../../vectors/csr/der-parts.ts';

describe('An acceptable public key', () => {
  const keys: readonly [keyType: string, family: string, spki: Buffer][] = [
    ['ec-p256', 'ec-p256', ecKeys().spki],
    ['ec-p384', 'ec-p384', ecKeys('P-384').spki],
    ['rsa-2048', 'rsa', rsaKeys(2048).spki],
    ['rsa-3072', 'rsa', rsaKeys(3072, 0x10003).spki],
    ['rsa-4096', 'rsa', rsaKeys(4096).spki],
  ];
  for (const [keyType, family, spki] of keys) {
    it(`is typed and can be imported: ${keyType}`, () => {
      const read = readPublicKey(spki);
      assert.deepEqual([read.keyType, read.family], [keyType, family]);
      assert.equal(read.spki, spki);
      assert.ok(createPublicKey(read.input).equals(createPublicKey({ key: spki, format: 'der', type: 'spki' })));
    });
  }

  it('is named by the first 20 bytes of the SHA-256 of its bits (RFC 7093)', () => {
    const { spki } = ecKeys();
    const expected = createHash('sha256').update(spki.subarray(-65)).digest().subarray(0, 20);
    assert.deepEqual(Buffer.from(readPublicKey(spki).keyId), expected);
  });
});
