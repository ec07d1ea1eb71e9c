// Key types as one table: what policies call them, how they stand in certificates, what an issuer with such a key signs
// with. A type that has no row in KEY_TABLE may be named by a policy and is certified by nobody.
import { der, oid, TAG, type DerReader } from './der.ts';

/** As policies name them. */
export const KEY_TYPES = ['ec-p256', 'ec-p384', 'ed25519', 'rsa'] as const;
export type KeyType = (typeof KEY_TYPES)[number];
/** Those that Capstan certifies and signs with. */
export type KeyFamily = Exclude<KeyType, 'ed25519'>;

/** Certificate signature algorithms of our issuers. */
export type SignatureAlgorithm = 'ecdsa-p256-sha256' | 'ecdsa-p384-sha384' | 'rsa-sha256';

export interface SignatureRow {
  /** Whole DER AlgorithmIdentifier (RFC 5758 section 3.2; RFC 4055 section 5). */
  readonly identifier: Uint8Array;
  readonly hash: 'sha256' | 'sha384' | 'sha512';
  readonly keyKind: 'ec' | 'rsa';
}

export interface KeyRow {
  /** Whole DER AlgorithmIdentifier of a SubjectPublicKeyInfo (RFC 5480 section 2.1.1; RFC 3279 section 2.3.1). */
  readonly identifier: Uint8Array;
  readonly kind: SignatureRow['keyKind'];
  /** What `node:crypto` calls the curve, and the bytes of one coordinate of a point. */
  readonly curve?: { readonly name: string; readonly coordinateBytes: number };
  /** Bounds of what is certified: below is weak, above makes verifying a weapon against us. Policies go by the bits. */
  readonly rsaBits?: { readonly least: number; readonly most: number };
  /** What an issuer with such a key signs with. */
  readonly signs: SignatureAlgorithm;
}

const NULL = Uint8Array.of(TAG.null, 0);
const ecdsa = (arc: string, hash: SignatureRow['hash']): SignatureRow => ({
  identifier: der(TAG.sequence, oid(`1.2.840.10045.4.3.${arc}`)),
  hash,
  keyKind: 'ec',
});
const rsa = (arc: string, hash: SignatureRow['hash']): SignatureRow => ({
  identifier: der(TAG.sequence, oid(`1.2.840.113549.1.1.${arc}`), NULL),
  hash,
  keyKind: 'rsa',
});
const ecKey = (curve: string): Uint8Array => der(TAG.sequence, oid('1.2.840.10045.2.1'), oid(curve));

export const KEY_TABLE: Readonly<Record<KeyFamily, KeyRow>> = {
  'ec-p256': {
    identifier: ecKey('1.2.840.10045.3.1.7'),
    kind: 'ec',
    curve: { name: 'prime256v1', coordinateBytes: 32 },
    signs: 'ecdsa-p256-sha256',
  },
  'ec-p384': {
    identifier: ecKey('1.3.132.0.34'),
    kind: 'ec',
    curve: { name: 'secp384r1', coordinateBytes: 48 },
    signs: 'ecdsa-p384-sha384',
  },
  rsa: {
    identifier: der(TAG.sequence, oid('1.2.840.113549.1.1.1'), NULL),
    kind: 'rsa',
    rsaBits: { least: 2048, most: 4096 },
    signs: 'rsa-sha256',
  },
};
export const KEY_FAMILIES = Object.keys(KEY_TABLE) as readonly KeyFamily[];

export const ISSUER_SIGNATURES: Readonly<Record<SignatureAlgorithm, SignatureRow>> = {
  'ecdsa-p256-sha256': ecdsa('2', 'sha256'),
  'ecdsa-p384-sha384': ecdsa('3', 'sha384'),
  'rsa-sha256': rsa('11', 'sha256'),
};

/** What a CSR may be signed with, the usual ones first. SHA-1 and MD5 have no row, and RSASSA-PSS is not what mesh clients send. */
const CSR_SIGNATURES: readonly SignatureRow[] = [
  ISSUER_SIGNATURES['ecdsa-p256-sha256'],
  ISSUER_SIGNATURES['rsa-sha256'],
  ISSUER_SIGNATURES['ecdsa-p384-sha384'],
  ecdsa('4', 'sha512'),
  rsa('12', 'sha384'),
  rsa('13', 'sha512'),
];

/** A key as certificates and records name it: `ec-p256`, or `rsa-2048`. @param bits 0 where the type fixes the size. */
export function formatKeyType({ type, bits }: { readonly type: string; readonly bits: number }): string {
  return bits === 0 ? type : `${type}-${bits}`;
}

/** Steps over the AlgorithmIdentifier of a CSR. @returns its row, or `undefined` when it is not accepted. @throws DerError */
export function readSignatureAlgorithm(reader: DerReader): SignatureRow | undefined {
  const row = CSR_SIGNATURES.find(({ identifier }) => reader.skip(identifier));
  if (row === undefined) reader.read(TAG.sequence, 'signatureAlgorithm');
  return row;
}
