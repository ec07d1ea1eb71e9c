// A new private key for an intermediate, as text that the file custody reads: PKCS#8, encrypted where there is a passphrase.
import { createCipheriv, generateKeyPairSync, randomBytes, scryptSync } from 'node:crypto';
import { der, oid, TAG } from '../../../domain/x509/der.ts';
import { encodePem } from '../../../domain/x509/pem.ts';

/** As `openssl pkcs8 -topk8 -scrypt` chooses them: 16 MiB and some tens of milliseconds. */
const SCRYPT = { N: 16_384, r: 8, p: 1 } as const;
const [KEY_BYTES, IV_BYTES, SALT_BYTES] = [32, 16, 16];

export const CA_KEY_TYPES = ['ec-p256', 'ec-p384'] as const;
export type CaKeyType = (typeof CA_KEY_TYPES)[number];

const CURVES: Readonly<Record<CaKeyType, string>> = { 'ec-p256': 'prime256v1', 'ec-p384': 'secp384r1' };

/** @param passphrase absent, the key is plain. */
export function newKeyPem(type: CaKeyType, passphrase: string | undefined): string {
  const { privateKey } = generateKeyPairSync('ec', { namedCurve: CURVES[type] });
  const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'der' });
  return passphrase === undefined
    ? encodePem('PRIVATE KEY', pkcs8)
    : encodePem('ENCRYPTED PRIVATE KEY', encrypted(pkcs8, passphrase));
}

/** EncryptedPrivateKeyInfo (RFC 5958 section 3) by PBES2 (RFC 8018 section 6.2), which Node itself writes with a weaker derivation. */
function encrypted(pkcs8: Uint8Array, passphrase: string): Uint8Array {
  const [salt, iv] = [randomBytes(SALT_BYTES), randomBytes(IV_BYTES)];
  const key = scryptSync(passphrase, salt, KEY_BYTES, SCRYPT);
  const cipher = createCipheriv('aes-256-cbc', key, iv);
  const sealed = Buffer.concat([cipher.update(pkcs8), cipher.final()]);
  const { N, r, p } = SCRYPT;
  const derivation = der(
    TAG.sequence,
    oid('1.3.6.1.4.1.11591.4.11'),
    der(TAG.sequence, der(TAG.octetString, salt), number(N), number(r), number(p)),
  );
  const scheme = der(TAG.sequence, oid('2.16.840.1.101.3.4.1.42'), der(TAG.octetString, iv));
  const algorithm = der(TAG.sequence, oid('1.2.840.113549.1.5.13'), der(TAG.sequence, derivation, scheme));
  return der(TAG.sequence, algorithm, der(TAG.octetString, sealed));
}

function number(value: number): Uint8Array {
  const hex = value.toString(16);
  return der(TAG.integer, Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex'));
}
