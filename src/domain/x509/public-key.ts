// Reads the public keys that Capstan certifies (key-types.ts); everything else is refused by name.
import { createPublicKey, hash, verify, type JsonWebKeyInput } from 'node:crypto';
import { AuthorityError } from '../errors.ts';
import { DerError, DerReader, TAG } from './der.ts';
import { formatKeyType, KEY_FAMILIES, KEY_TABLE, type KeyFamily, type KeyRow } from './key-types.ts';

export interface SubjectPublicKey {
  readonly family: KeyFamily;
  /** Of an RSA modulus; 0 where the family fixes the size. */
  readonly bits: number;
  /** Both in one word: `ec-p256`, `ec-p384` or `rsa-<bits>`. */
  readonly keyType: string;
  /** Whole DER SubjectPublicKeyInfo. */
  readonly spki: Uint8Array;
  /** What `node:crypto` takes for this key. */
  readonly input: KeyInput;
  /** Names the key in SubjectKeyIdentifier: 20 bytes of the SHA-256 of its bits (RFC 7093 section 2, method 1). */
  readonly keyId: Uint8Array;
}

type KeyInput = JsonWebKeyInput | { readonly key: Buffer; readonly format: 'der'; readonly type: 'spki' };

const KEY_ID_BYTES = 20;
const MIN_RSA_EXPONENT = 65_537;
/** Exponents in use fit in four bytes. */
const MAX_RSA_EXPONENT_BYTES = 4;
/** First byte of a point of which both coordinates are written (RFC 5480 section 2.2). */
const UNCOMPRESSED = 0x04;

/**
 * Judges all of a key but whether an EC point lies on its curve: `signedBy` finds that out.
 * @param spki whole DER SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7).
 * @throws AuthorityError `key_unacceptable`: CAP-K01 for a type, CAP-K02 for a malformed or weak key.
 */
export function readPublicKey(spki: Uint8Array): SubjectPublicKey {
  try {
    const { family, key } = readInfo(spki);
    const { bits, input } = readKey(KEY_TABLE[family], key, spki);
    return { family, bits, keyType: formatKeyType({ type: family, bits }), spki, input, keyId: keyIdFrom(key) };
  } catch (cause) {
    throw cause instanceof DerError ? weak(cause.message) : cause;
  }
}

/** @returns the identifier of any public key, of a type that Capstan certifies or not. @throws DerError */
export function keyIdOf(spki: Uint8Array): Uint8Array {
  const info = DerReader.over(spki).enter(TAG.sequence, 'SubjectPublicKeyInfo');
  info.read(TAG.sequence, 'algorithm');
  return keyIdFrom(info.readBits('subjectPublicKey'));
}

function keyIdFrom(bits: Uint8Array): Uint8Array {
  return hash('sha256', bits, 'buffer').subarray(0, KEY_ID_BYTES);
}

/**
 * Whether the signature is this key's over these bytes; anything wrong with the signature is a no. The key
 * is imported for this one use: a kept one would hold memory of OpenSSL until it is collected.
 * @throws AuthorityError CAP-K02 when the key is none, because its point lies beside its curve.
 */
export function signedBy(
  { input }: SubjectPublicKey,
  hashName: string,
  bytes: Uint8Array,
  signature: Uint8Array,
): boolean {
  try {
    return verify(hashName, bytes, input, signature);
  } catch {
    refuseUnlessImportable(input);
    return false;
  }
}

function refuseUnlessImportable(input: KeyInput): void {
  try {
    createPublicKey(input);
  } catch (cause) {
    throw new AuthorityError('CAP-K02', { detail: 'the EC point does not lie on its curve', cause });
  }
}

function readInfo(spki: Uint8Array): { family: KeyFamily; key: Uint8Array } {
  const outer = DerReader.over(spki);
  const info = outer.enter(TAG.sequence, 'SubjectPublicKeyInfo');
  outer.finish('SubjectPublicKeyInfo');
  const family = KEY_FAMILIES.find((name) => info.skip(KEY_TABLE[name].identifier));
  if (family === undefined) {
    throw new AuthorityError('CAP-K01', { detail: 'use ECDSA P-256 or P-384, or RSA 2048 to 4096' });
  }
  const key = info.readBits('subjectPublicKey');
  info.finish('SubjectPublicKeyInfo');
  return { family, key };
}

/** Judges the key's own bytes. @throws AuthorityError CAP-K02, or DerError */
function readKey(
  { curve, rsaBits }: KeyRow,
  key: Uint8Array,
  spki: Uint8Array,
): Pick<SubjectPublicKey, 'bits' | 'input'> {
  if (rsaBits !== undefined) return readRsa(key, rsaBits);
  if (key[0] !== UNCOMPRESSED || key.length !== 1 + 2 * (curve?.coordinateBytes ?? 0)) {
    throw weak('the EC point is not uncompressed');
  }
  return { bits: 0, input: { key: asBuffer(spki), format: 'der', type: 'spki' } };
}

/** As JWK, which OpenSSL imports in half the time of DER; every number in it was judged here. */
function readRsa(key: Uint8Array, allowed: NonNullable<KeyRow['rsaBits']>): Pick<SubjectPublicKey, 'bits' | 'input'> {
  const outer = DerReader.over(key);
  const pair = outer.enter(TAG.sequence, 'RSAPublicKey');
  outer.finish('RSAPublicKey');
  const modulus = positiveInteger(pair.read(TAG.integer, 'modulus'), 'modulus');
  const exponent = positiveInteger(pair.read(TAG.integer, 'publicExponent'), 'publicExponent');
  pair.finish('RSAPublicKey');
  judgeExponent(exponent);
  const bits = judgeModulus(modulus, allowed);
  const jwk = { kty: 'RSA', n: base64url(modulus), e: base64url(exponent) };
  return { bits, input: { key: jwk, format: 'jwk' } };
}

function positiveInteger(contents: Uint8Array, what: string): Uint8Array {
  const [first = 0x80, second = 0] = contents;
  if (first >= 0x80) throw new DerError(`${what} is empty or negative`);
  if (first === 0 && second < 0x80) throw new DerError(`${what} is not minimal`);
  return first === 0 ? contents.subarray(1) : contents;
}

function judgeModulus(modulus: Uint8Array, { least, most }: NonNullable<KeyRow['rsaBits']>): number {
  const bits = modulus.length * 8 - Math.clz32(modulus[0] ?? 0) + 24;
  if (bits < least || bits > most) throw weak(`RSA has ${bits} bits, allowed ${least} to ${most}`);
  if (((modulus[modulus.length - 1] ?? 0) & 1) === 0) throw weak('the RSA modulus is even');
  return bits;
}

function judgeExponent(exponent: Uint8Array): void {
  if (exponent.length > MAX_RSA_EXPONENT_BYTES) throw weak('the RSA exponent is too large');
  let value = 0;
  for (const byte of exponent) value = value * 256 + byte;
  if (value < MIN_RSA_EXPONENT || value % 2 === 0) {
    throw weak(`the RSA exponent must be odd and at least ${MIN_RSA_EXPONENT}`);
  }
}

function base64url(bytes: Uint8Array): string {
  return asBuffer(bytes).toString('base64url');
}

function asBuffer(bytes: Uint8Array): Buffer {
  return Buffer.isBuffer(bytes) ? bytes : Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
}

function weak(detail: string): AuthorityError {
  return new AuthorityError('CAP-K02', { detail });
}
