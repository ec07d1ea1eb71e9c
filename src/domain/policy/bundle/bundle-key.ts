// Keys of those who sign the policy bundle: Ed25519 or ECDSA P-256. A key has one spelling and so one id;
// otherwise one holder could pass for two and a threshold would mean nothing.
import { createPrivateKey, createPublicKey, hash, type KeyObject } from 'node:crypto';
import { der, DerError, DerReader, oid, TAG } from '../../x509/der.ts';
import { decodePem } from '../../x509/pem.ts';

/** As signature files name them. */
export const BUNDLE_ALGORITHMS = ['Ed25519', 'ECDSA-P256-SHA256'] as const;
export type PolicyBundleAlgorithm = (typeof BUNDLE_ALGORITHMS)[number];

export interface PolicyBundleKey {
  /** `sha256:` and the hex SHA-256 of the DER SubjectPublicKeyInfo. */
  readonly keyId: string;
  readonly algorithm: PolicyBundleAlgorithm;
  readonly publicKey: KeyObject;
}

export interface PolicyBundleSigningKey extends PolicyBundleKey {
  readonly privateKey: KeyObject;
}

interface KeyRow {
  readonly algorithm: PolicyBundleAlgorithm;
  /** Whole DER AlgorithmIdentifier (RFC 8410 section 3, RFC 5480 section 2.1.1). */
  readonly identifier: Uint8Array;
  /** Of the key's own bytes. */
  readonly length: number;
  /** What those begin with. */
  readonly head: readonly number[];
}

const ROWS: readonly KeyRow[] = [
  { algorithm: 'Ed25519', identifier: der(TAG.sequence, oid('1.3.101.112')), length: 32, head: [] },
  {
    algorithm: 'ECDSA-P256-SHA256',
    identifier: der(TAG.sequence, oid('1.2.840.10045.2.1'), oid('1.2.840.10045.3.1.7')),
    length: 65,
    // Uncompressed, which is what everybody writes.
    head: [0x04],
  },
];

const NOT_A_KEY = 'is not an Ed25519 or ECDSA P-256 key';

/** @param pem one `PUBLIC KEY` block (RFC 7468 section 13). @returns the key, or why it is none, in words that name no content. */
export function readPolicyBundleKey(pem: string): PolicyBundleKey | { readonly problem: string } {
  const spki = decodePem(pem, 'PUBLIC KEY');
  if ('problem' in spki) return spki;
  const row = rowOf(spki);
  if (row === undefined) return { problem: NOT_A_KEY };
  try {
    const publicKey = createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' });
    return { keyId: `sha256:${hash('sha256', spki, 'hex')}`, algorithm: row.algorithm, publicKey };
  } catch {
    return { problem: 'has a point that does not lie on its curve' };
  }
}

/** @param pem one unencrypted `PRIVATE KEY` block (PKCS#8). @returns the key, or why it is none, in words that name no content. */
export function readPolicyBundleSigningKey(pem: string): PolicyBundleSigningKey | { readonly problem: string } {
  const pkcs8 = decodePem(pem, 'PRIVATE KEY');
  if ('problem' in pkcs8) return pkcs8;
  const privateKey = importPrivate(pkcs8);
  if (privateKey === undefined) return { problem: NOT_A_KEY };
  const key = readPolicyBundleKey(createPublicKey(privateKey).export({ type: 'spki', format: 'pem' }));
  return 'problem' in key ? key : { ...key, privateKey };
}

function importPrivate(pkcs8: Uint8Array): KeyObject | undefined {
  try {
    return createPrivateKey({ key: Buffer.from(pkcs8), format: 'der', type: 'pkcs8' });
  } catch {
    return undefined;
  }
}

function rowOf(spki: Uint8Array): KeyRow | undefined {
  try {
    const outer = DerReader.over(spki);
    const info = outer.enter(TAG.sequence, 'SubjectPublicKeyInfo');
    outer.finish('SubjectPublicKeyInfo');
    const row = ROWS.find(({ identifier }) => info.skip(identifier));
    const bits = info.readBits('subjectPublicKey');
    info.finish('SubjectPublicKeyInfo');
    return bits.length === row?.length && row.head.every((byte, at) => bits[at] === byte) ? row : undefined;
  } catch (cause) {
    if (cause instanceof DerError) return undefined;
    throw cause;
  }
}
