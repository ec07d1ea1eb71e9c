// One holder's signature over the policy bundle. Every signature has one spelling: what could be respelled
// without the key could make two files of one, and is refused.
import { sign, verify } from 'node:crypto';
import { der, DerError, DerReader, TAG } from '../../x509/der.ts';
import type { PolicyBundleAlgorithm, PolicyBundleKey, PolicyBundleSigningKey } from './bundle-key.ts';

/** Keeps a signature over a bundle from ever passing for one over something else. */
const DOMAIN = 'capstan.dev/policy-bundle/v1\n';

/** Order of the group of P-256 (SEC 2 section 2.4.2). */
const ORDER = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;
const COORDINATE_BYTES = 32;
const ED25519_BYTES = 64;

/** What `node:crypto` calls the hash; Ed25519 has its own. */
const HASH: Readonly<Record<PolicyBundleAlgorithm, 'sha256' | null>> = { Ed25519: null, 'ECDSA-P256-SHA256': 'sha256' };

/** @param canonical the bundle as canonical JSON (RFC 8785). @returns the bytes that holders sign. */
export function signedBytes(canonical: string): Buffer {
  return Buffer.from(DOMAIN + canonical, 'utf8');
}

/** @throws Error when the key's own public half does not confirm the signature. */
export function signBundle(canonical: string, key: PolicyBundleSigningKey): Uint8Array {
  const bytes = signedBytes(canonical);
  const signature =
    key.algorithm === 'Ed25519'
      ? sign(null, bytes, key.privateKey)
      : lowSignature(sign('sha256', bytes, { key: key.privateKey, dsaEncoding: 'ieee-p1363' }));
  const problem = signatureProblem(canonical, key, signature);
  if (problem !== undefined) throw new Error(`the new signature ${problem}`);
  return signature;
}

/** @returns why the signature is not this key's over this bundle, or nothing when it is. */
export function signatureProblem(canonical: string, key: PolicyBundleKey, signature: Uint8Array): string | undefined {
  const problem = key.algorithm === 'Ed25519' ? ed25519Problem(signature) : ecdsaProblem(signature);
  if (problem !== undefined) return problem;
  return verify(HASH[key.algorithm], signedBytes(canonical), key.publicKey, signature) ? undefined : 'does not verify';
}

function ed25519Problem({ length }: Uint8Array): string | undefined {
  return length === ED25519_BYTES ? undefined : `is ${length} bytes long; an Ed25519 signature has ${ED25519_BYTES}`;
}

/** A SEQUENCE of r and s (RFC 3279 section 2.2.3). With s also ORDER - s would verify: the lower of them counts. */
function ecdsaProblem(signature: Uint8Array): string | undefined {
  try {
    const outer = DerReader.over(signature);
    const pair = outer.enter(TAG.sequence, 'the signature');
    outer.finish('the signature');
    readScalar(pair, 'r');
    const s = readScalar(pair, 's');
    pair.finish('the signature');
    return s > ORDER / 2n ? 'has the higher of two possible values of s' : undefined;
  } catch (cause) {
    if (cause instanceof DerError) return `is not DER in its shortest form: ${cause.message}`;
    throw cause;
  }
}

function readScalar(pair: DerReader, name: string): bigint {
  const contents = pair.read(TAG.integer, name);
  const [first = 0x80, second = 0x80] = contents;
  if (first >= 0x80) throw new DerError(`${name} is empty or negative`);
  if (first === 0 && second < 0x80) throw new DerError(`${name} has needless zeros`);
  const value = BigInt(`0x${Buffer.from(contents).toString('hex')}`);
  if (value === 0n || value >= ORDER) throw new DerError(`${name} is out of range`);
  return value;
}

/** @param pair r and s as 32 bytes each. @returns DER with the lower s. */
function lowSignature(pair: Buffer): Uint8Array {
  const s = BigInt(`0x${pair.toString('hex', COORDINATE_BYTES)}`);
  const lower = s > ORDER / 2n ? ORDER - s : s;
  const bytes = Buffer.from(lower.toString(16).padStart(2 * COORDINATE_BYTES, '0'), 'hex');
  return der(TAG.sequence, derInteger(pair.subarray(0, COORDINATE_BYTES)), derInteger(bytes));
}

function derInteger(bytes: Buffer): Uint8Array {
  const start = bytes.findIndex((byte) => byte !== 0);
  const digits = bytes.subarray(Math.max(start, 0));
  const positive = (digits[0] ?? 0) < 0x80 ? [] : [0];
  return der(TAG.integer, Uint8Array.from([...positive, ...digits]));
}
