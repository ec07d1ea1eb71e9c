import assert from 'node:assert/strict';
import { generateKeyPairSync } from 'node:crypto';
import { keySetFrom } from '../../../../src/adapters/credentials/tokens/key-set.ts';

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 });
const okp = generateKeyPairSync('ed25519');
const akp = generateKeyPairSync('ml-dsa-44');

describe('A set of token keys', () => {
  const good = { ...rsa.publicKey.export({ format: 'jwk' }), kid: 'good' };
  const bad: readonly (readonly [what: string, key: object, problem: RegExp])[] = [
    [
      'a private RSA key',
      { ...rsa.privateKey.export({ format: 'jwk' }), kid: 'r' },
      /^holds a private key: "r"; publish/,
    ],
    ['one factor of an RSA key alone', { ...good, kid: 'f', p: 'AQAB' }, /^holds a private key: "f"/],
    ['a private Ed25519 key', { ...okp.privateKey.export({ format: 'jwk' }), kid: 'e' }, /^holds a private key: "e"/],
    ['a private ML-DSA key', { ...akp.privateKey.export({ format: 'jwk' }), kid: 'm' }, /^holds a private key: "m"/],
    ['a private key without a name', okp.privateKey.export({ format: 'jwk' }), /^holds a private key: key 2 of it;/],
    ['a private key of a strange name', { d: 'x', kid: 7 }, /^holds a private key: key 2 of it;/],
    [
      'a shared secret',
      { kty: 'oct', k: 'c2VjcmV0', kid: 's' },
      /^holds a shared secret: "s"; whoever verifies could sign/,
    ],
    ['a shared secret of no type', { k: 'c2VjcmV0', kid: 's' }, /^holds a shared secret: "s"/],
  ];
  for (const [what, key, problem] of bad) {
    it(`that has ${what} is refused, and says where`, () => {
      assert.throws(() => keySetFrom({ keys: [good, key] }), { message: problem });
    });
  }

  it('names a key of a long name by its beginning', () => {
    assert.throws(
      () => keySetFrom({ keys: [{ d: 'x', kid: 'k'.repeat(5000) }] }),
      (error: Error) => error.message.length < 300,
    );
  });

  it('of public keys alone is taken, with whatever else a key says of itself', () => {
    assert.ok(keySetFrom({ keys: [{ ...good, use: 'sig', x5t: 'abc', alg: 'RS256' }] }).revision);
  });
});
