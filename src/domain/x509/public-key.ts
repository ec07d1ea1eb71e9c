// The public keys that Capstan certifies, as a table. Everything else is refused by name.
import { createPublicKey, type KeyObject } from 'node:crypto';
import { AuthorityError } from '../errors.ts';
import { DerError, DerReader, der, oid, sameBytes, TAG } from './der.ts';

export type KeyFamily = 'ec-p256' | 'ec-p384' | 'rsa';

export interface SubjectPublicKey {
  /** `ec-p256`, `ec-p384` or `rsa-<bits>`. */
  readonly keyType: string;
  readonly family: KeyFamily;
  /** Whole DER SubjectPublicKeyInfo. */
  readonly spki: Uint8Array;
  readonly key: KeyObject;
}

interface KeyRow {
  readonly family: KeyFamily;
  /** Whole DER AlgorithmIdentifier. */
  readonly identifier: Uint8Array;
  /** Judges the key's own bytes; returns its type. @throws AuthorityError CAP-K02 */
  readonly judge: (key: Uint8Array) => string;
}

/** Bounds for RSA: below is weak, above makes verifying a weapon against us. */
const MIN_RSA_BITS = 2048;
const MAX_RSA_BITS = 4096;
const MIN_RSA_EXPONENT = 65_537;
/** Exponents in use fit in four bytes. */
const MAX_RSA_EXPONENT_BYTES = 4;

const EC_PUBLIC_KEY = oid('1.2.840.10045.2.1');
const ecRow = (family: KeyFamily, curve: string, coordinateBytes: number): KeyRow => ({
  family,
  identifier: der(TAG.sequence, EC_PUBLIC_KEY, oid(curve)),
  judge: (point) => {
    if (point[0] !== 0x04 || point.length !== 1 + 2 * coordinateBytes) throw weak('the EC point is not uncompressed');
    return family;
  },
});

const ROWS: readonly KeyRow[] = [
  ecRow('ec-p256', '1.2.840.10045.3.1.7', 32),
  ecRow('ec-p384', '1.3.132.0.34', 48),
  {
    family: 'rsa',
    identifier: der(TAG.sequence, oid('1.2.840.113549.1.1.1'), Uint8Array.of(TAG.null, 0)),
    judge: judgeRsa,
  },
];

/**
 * @param spki whole DER SubjectPublicKeyInfo (RFC 5280 section 4.1.2.7).
 * @throws AuthorityError `key_unacceptable`: CAP-K01 for a type, CAP-K02 for a malformed or weak key.
 */
export function readPublicKey(spki: Uint8Array): SubjectPublicKey {
  const { identifier, bits } = readInfo(spki);
  const row = ROWS.find((candidate) => sameBytes(candidate.identifier, identifier));
  if (row === undefined)
    throw new AuthorityError('CAP-K01', { detail: 'use ECDSA P-256 or P-384, or RSA 2048 to 4096' });
  const keyType = row.judge(bits);
  return { keyType, family: row.family, spki, key: importKey(spki) };
}

function readInfo(spki: Uint8Array): { identifier: Uint8Array; bits: Uint8Array } {
  try {
    const outer = new DerReader(spki);
    const info = outer.enter(TAG.sequence, 'SubjectPublicKeyInfo');
    outer.finish('SubjectPublicKeyInfo');
    const identifier = info.readWhole(TAG.sequence, 'key algorithm');
    const bits = info.read(TAG.bitString, 'subjectPublicKey');
    info.finish('SubjectPublicKeyInfo');
    if (bits[0] !== 0) throw new DerError('subjectPublicKey has unused bits');
    return { identifier, bits: bits.subarray(1) };
  } catch (cause) {
    throw asWeak(cause);
  }
}

function judgeRsa(key: Uint8Array): string {
  try {
    const outer = new DerReader(key);
    const pair = outer.enter(TAG.sequence, 'RSAPublicKey');
    outer.finish('RSAPublicKey');
    const modulus = positiveInteger(pair.read(TAG.integer, 'modulus'), 'modulus');
    const exponent = positiveInteger(pair.read(TAG.integer, 'publicExponent'), 'publicExponent');
    pair.finish('RSAPublicKey');
    judgeExponent(exponent);
    return `rsa-${judgeModulus(modulus)}`;
  } catch (cause) {
    throw asWeak(cause);
  }
}

function positiveInteger(contents: Uint8Array, what: string): Uint8Array {
  const [first = 0x80, second = 0] = contents;
  if (first >= 0x80) throw new DerError(`${what} is empty or negative`);
  if (first === 0 && second < 0x80) throw new DerError(`${what} is not minimal`);
  return first === 0 ? contents.subarray(1) : contents;
}

function judgeModulus(modulus: Uint8Array): number {
  const bits = modulus.length * 8 - Math.clz32(modulus[0] ?? 0) + 24;
  if (bits < MIN_RSA_BITS || bits > MAX_RSA_BITS) {
    throw weak(`RSA has ${bits} bits, allowed ${MIN_RSA_BITS} to ${MAX_RSA_BITS}`);
  }
  if (((modulus.at(-1) ?? 0) & 1) === 0) throw weak('the RSA modulus is even');
  return bits;
}

function judgeExponent(exponent: Uint8Array): void {
  if (exponent.length > MAX_RSA_EXPONENT_BYTES) throw weak('the RSA exponent is too large');
  const value = exponent.reduce((sum, byte) => sum * 256 + byte, 0);
  if (value < MIN_RSA_EXPONENT || value % 2 === 0)
    throw weak(`the RSA exponent must be odd and at least ${MIN_RSA_EXPONENT}`);
}

/** OpenSSL checks here what we cannot: that an EC point lies on its curve. */
function importKey(spki: Uint8Array): KeyObject {
  try {
    return createPublicKey({
      key: Buffer.from(spki.buffer, spki.byteOffset, spki.length),
      format: 'der',
      type: 'spki',
    });
  } catch (cause) {
    throw new AuthorityError('CAP-K02', {
      detail: 'the key does not import; an EC point must lie on its curve',
      cause,
    });
  }
}

function weak(detail: string): AuthorityError {
  return new AuthorityError('CAP-K02', { detail });
}

function asWeak(cause: unknown): unknown {
  return cause instanceof DerError ? new AuthorityError('CAP-K02', { detail: cause.message }) : cause;
}
