// What the server says of its journal and signs: a head of its chains, or the end of an export. The signature is over the
// statement in its canonical spelling behind the name of what it is, so that neither passes for the other, and neither for
// a certificate, which begins with another byte, should somebody use the key of an issuer.
import { hash } from 'node:crypto';
import { canonicalJson } from '../text/canonical-json.ts';
import { ISSUER_SIGNATURES, type SignatureAlgorithm } from '../x509/key-types.ts';
import { decodePem } from '../x509/pem.ts';
import { readPublicKey, signedBy, type SubjectPublicKey } from '../x509/public-key.ts';
import { AuthorityError } from '../errors.ts';

export type StatementPurpose = 'head' | 'export';

export interface Signature {
  /** Hex SHA-256 of the DER SubjectPublicKeyInfo. */
  readonly keyId: string;
  readonly algorithm: SignatureAlgorithm;
  /** Base64; of ECDSA the DER of r and s. */
  readonly signature: string;
}

export type Signed<S> = Signature & { readonly statement: S };

export interface AuditKey {
  readonly keyId: string;
  readonly key: SubjectPublicKey;
}

/** @returns what a signature is over: `capstan audit head v1`, a line feed, and the statement's canonical JSON (RFC 8785). */
export function signedBytes(purpose: StatementPurpose, statement: object): Uint8Array {
  return Buffer.from(`capstan audit ${purpose} v1\n${canonicalJson(statement)}`);
}

/** Names a statement: the SHA-256 of its canonical JSON in lower-case hex. A signature has no part in it. */
export function statementDigest(statement: object): string {
  return hash('sha256', canonicalJson(statement));
}

/** @param pem one `PUBLIC KEY` block. @returns the key, or why it is none, in words that quote nothing of it. */
export function readAuditKey(pem: string): AuditKey | { readonly problem: string } {
  const spki = decodePem(pem, 'PUBLIC KEY');
  if ('problem' in spki) return spki;
  try {
    return { keyId: keyIdOfSpki(spki), key: readPublicKey(spki) };
  } catch (error) {
    if (!(error instanceof AuthorityError)) throw error;
    return { problem: error.detail ?? error.message };
  }
}

export function keyIdOfSpki(spki: Uint8Array): string {
  return hash('sha256', spki);
}

/** Whether it is signed by this key; anything wrong with it is a no. */
export function isSignedBy(
  { keyId, key }: AuditKey,
  purpose: StatementPurpose,
  { statement, ...signature }: Signed<object>,
): boolean {
  if (signature.keyId !== keyId) return false;
  const { hash: hashName, keyKind } = ISSUER_SIGNATURES[signature.algorithm];
  if (keyKind !== kindOf(key)) return false;
  return signedBy(key, hashName, signedBytes(purpose, statement), Buffer.from(signature.signature, 'base64'));
}

function kindOf({ family }: SubjectPublicKey): 'ec' | 'rsa' {
  return family === 'rsa' ? 'rsa' : 'ec';
}
