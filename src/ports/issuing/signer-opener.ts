// Opens the key of an issuer for signing. What the operator configures for a key is a document: PEM today; a
// PKCS#11 URI (RFC 7512) or the name of a key in a KMS would be one too.
import type { SignatureAlgorithm } from '../../domain/x509/key-types.ts';
import type { Signer } from './signer.ts';

/** Where the private key lies: `file` is a key that every process may read for itself. */
export type Custody = 'file';

export interface OpenedKey {
  /** DER SubjectPublicKeyInfo, to be compared with the issuer's certificate. */
  readonly spki: Uint8Array;
  /** @param algorithm must fit the key; it is that of the issuer's certificate. */
  signerFor(algorithm: SignatureAlgorithm): Signer;
}

export interface SignerOpener {
  readonly custody: Custody;
  /**
   * May be called again for the same key, after each change of its document.
   * @param document what names the key, or is it.
   * @returns the key, or what is wrong with the document, in words that quote nothing of it.
   * @throws AuthorityError `dependency_unavailable` when the key's place does not answer.
   */
  open(document: string, options: { readonly signal: AbortSignal }): Promise<OpenedKey | { readonly problem: string }>;
}
