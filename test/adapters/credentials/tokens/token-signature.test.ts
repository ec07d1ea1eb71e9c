import assert from 'node:assert/strict';
import { generateKeyPairSync, sign as signBytes, type KeyObject } from 'node:crypto';
import { errors, exportJWK, importJWK, SignJWT, type CryptoKey } from 'jose';
import { TOKEN_ALGORITHMS } from '../../../../src/domain/identity/token-algorithms.ts';
import { keySetFrom } from '../../../../src/adapters/credentials/tokens/key-set.ts';
import { signedPayload } from '../../../../src/adapters/credentials/tokens/token-signature.ts';
import { claims, sign, signingKey } from './token-maker.ts';

describe('The signature of a token', () => {
  for (const algorithm of TOKEN_ALGORITHMS) {
    it(`of ${algorithm} is good with its own key, and with no other`, async () => {
      const [own, other] = [await signingKey('one', algorithm), await signingKey('one', algorithm)];
      const token = await sign(own);
      const { resolve } = keySetFrom({ keys: [own.jwk] });
      assert.equal(await signedPayload(token, [algorithm], resolve), token.split('.')[1]);
      // The kept key, and the same key asked for again.
      assert.equal(await signedPayload(token, TOKEN_ALGORITHMS, resolve), token.split('.')[1]);
      const thief = keySetFrom({ keys: [other.jwk] });
      await assert.rejects(signedPayload(token, [algorithm], thief.resolve), errors.JWSSignatureVerificationFailed);
    });

    it(`of ${algorithm} is not good for another header, payload or signature`, async () => {
      const own = await signingKey('one', algorithm);
      const { resolve } = keySetFrom({ keys: [own.jwk] });
      const [header = '', payload = '', signature = ''] = (await sign(own)).split('.');
      const renamed = base64url(JSON.stringify({ kid: 'one', alg: algorithm }));
      const promoted = base64url(JSON.stringify(claims({ sub: 'system:serviceaccount:bank:api' })));
      const turned = Buffer.from(signature, 'base64url');
      turned[7]! ^= 1;
      for (const parts of [
        [renamed, payload, signature],
        [header, promoted, signature],
        [header, payload, turned.toString('base64url')],
        [header, payload, signature.slice(0, -8)],
        [header, payload, ''],
      ]) {
        const token = parts.join('.');
        await assert.rejects(signedPayload(token, [algorithm], resolve), errors.JWSSignatureVerificationFailed, token);
      }
    });
  }

  it('is good for one way of writing it: r and s in DER are not', async () => {
    const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'prime256v1' });
    const token = compact({ alg: 'ES256' }, (bytes) => signBytes('sha256', bytes, privateKey));
    await assert.rejects(verified(token, await exportJWK(publicKey), 'ES256'), errors.JWSSignatureVerificationFailed);
  });

  it('is over the bytes of the token, whatever characters look like them', async () => {
    const own = await signingKey('one');
    const { resolve } = keySetFrom({ keys: [own.jwk] });
    const [header = '', payload = '', signature = ''] = (await sign(own)).split('.');
    // The same lower byte as the first character has.
    const lookalike = String.fromCharCode(0x100 + payload.charCodeAt(0)) + payload.slice(1);
    await assert.rejects(
      signedPayload(`${header}.${lookalike}.${signature}`, ['ES256'], resolve),
      errors.JWSSignatureVerificationFailed,
    );
  });

  it('is of an algorithm of the header that is allowed, before any key is looked for', async () => {
    const own = await signingKey('one');
    const nobody = async (): Promise<CryptoKey> => assert.fail('a key was looked for');
    await assert.rejects(signedPayload(await sign(own), ['RS256', 'ES384'], nobody), errors.JOSEAlgNotAllowed);
    for (const alg of [undefined, 7, ['ES256'], 'none', 'HS256', 'toString', '__proto__']) {
      const token = compact({ alg }, () => Buffer.alloc(64));
      await assert.rejects(signedPayload(token, TOKEN_ALGORITHMS, nobody), errors.JOSEAlgNotAllowed);
    }
  });

  it('with an extension is not understood, not even one that changes nothing', async () => {
    const own = await signingKey('one');
    const { resolve } = keySetFrom({ keys: [own.jwk] });
    const token = await new SignJWT(claims())
      .setProtectedHeader({ alg: 'ES256', kid: 'one', crit: ['b64'], b64: true })
      .sign(own.privateKey);
    await assert.rejects(signedPayload(token, ['ES256'], resolve), errors.JOSENotSupported);
  });

  it('is never verified with a key of another kind or curve, or one that is too weak', async () => {
    const keyOf = async (key: KeyObject, algorithm: string) =>
      (await importJWK(await exportJWK(key), algorithm)) as CryptoKey;
    const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).publicKey;
    const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey;
    const p384 = generateKeyPairSync('ec', { namedCurve: 'secp384r1' }).publicKey;
    const wrong = [
      ['ES256', await keyOf(rsa, 'RS256')],
      ['ES256', await keyOf(p384, 'ES384')],
      ['RS256', await keyOf(p384, 'ES384')],
      ['RS256', await keyOf(weak, 'RS256')],
      ['EdDSA', await keyOf(rsa, 'PS256')],
    ] as const;
    for (const [algorithm, key] of wrong) {
      const token = compact({ alg: algorithm }, () => Buffer.alloc(64));
      await assert.rejects(
        signedPayload(token, [algorithm], async () => key),
        TypeError,
      );
    }
  });

  it('is not in a text of other than three parts', async () => {
    const own = await signingKey('one');
    const { resolve } = keySetFrom({ keys: [own.jwk] });
    const token = await sign(own);
    for (const text of ['', token.slice(0, token.lastIndexOf('.')), `${token}.`, `${token}.a.b`, `.${token}`]) {
      await assert.rejects(signedPayload(text, ['ES256'], resolve), errors.JWSInvalid, text);
    }
  });
});

async function verified(token: string, jwk: object, algorithm: 'ES256'): Promise<string> {
  return signedPayload(token, [algorithm], keySetFrom({ keys: [{ ...jwk, alg: algorithm }] }).resolve);
}

function compact(header: object, signatureOf: (bytes: Buffer) => Buffer): string {
  const signed = `${base64url(JSON.stringify(header))}.${base64url(JSON.stringify(claims()))}`;
  return `${signed}.${signatureOf(Buffer.from(signed)).toString('base64url')}`;
}

function base64url(text: string): string {
  return Buffer.from(text).toString('base64url');
}
