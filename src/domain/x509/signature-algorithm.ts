// Signature algorithms as a table: what stands in a certificate or CSR, and how it is verified.
// SHA-1 and MD5 have no row, and RSASSA-PSS is not what mesh clients send.
import { der, oid, TAG, type DerReader } from './der.ts';

/** Certificate signature algorithms an issuer may use. */
export type SignatureAlgorithm = 'ecdsa-p256-sha256' | 'ecdsa-p384-sha384' | 'rsa-sha256';

export interface SignatureRow {
  /** Whole DER AlgorithmIdentifier (RFC 5758 section 3.2; RFC 4055 section 5). */
  readonly identifier: Uint8Array;
  readonly hash: 'sha256' | 'sha384' | 'sha512';
  readonly keyKind: 'ec' | 'rsa';
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

const ECDSA_SHA256 = ecdsa('2', 'sha256');
const ECDSA_SHA384 = ecdsa('3', 'sha384');
const RSA_SHA256 = rsa('11', 'sha256');

/** What a CSR may be signed with. */
const ACCEPTED: readonly SignatureRow[] = [
  ECDSA_SHA256,
  RSA_SHA256,
  ECDSA_SHA384,
  ecdsa('4', 'sha512'),
  rsa('12', 'sha384'),
  rsa('13', 'sha512'),
];

/** What our issuers sign with. */
export const ISSUER_SIGNATURES: Readonly<Record<SignatureAlgorithm, SignatureRow>> = {
  'ecdsa-p256-sha256': ECDSA_SHA256,
  'ecdsa-p384-sha384': ECDSA_SHA384,
  'rsa-sha256': RSA_SHA256,
};

/** Steps over an AlgorithmIdentifier. @returns its row, or `undefined` when it is not accepted. @throws DerError */
export function readSignatureAlgorithm(reader: DerReader): SignatureRow | undefined {
  const row = ACCEPTED.find(({ identifier }) => reader.skip(identifier));
  if (row === undefined) reader.read(TAG.sequence, 'signatureAlgorithm');
  return row;
}
