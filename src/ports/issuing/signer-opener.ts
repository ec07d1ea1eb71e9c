// Opens the key of an issuer for signing. What the operator configures for a key is a document, which is the key itself or
// says which one it is, and often a secret that opens it: a passphrase, the PIN of a token.
import type { SignatureAlgorithm } from '../../domain/x509/key-types.ts';
import type { KeyInventory } from './key-inventory.ts';
import type { Signer } from './signer.ts';

/**
 * Where the private key lies: `file` is a key that every process may read for itself, `pkcs11` one that is in a token, and `transit`
 * one in the engine of that name of Vault or OpenBao; both stay there. `memory` is one that was made in this server and ends with it.
 */
export type Custody = 'file' | 'pkcs11' | 'transit' | 'memory';

/** Where a key lies that is not always at hand. */
export interface KeyPlace {
  /** Why nothing can be signed now, in words for an operator; nothing while it can. */
  readonly problem: string | undefined;
  /** Calls `listener` when it is lost and when it is back, until the signal aborts. */
  onChange(listener: () => void, options: { readonly signal: AbortSignal }): void;
  /** All keys of the place, this one among them. Absent where there are no others. */
  readonly inventory?: KeyInventory;
}

export interface KeyDocument {
  /** What names the key, or is it. */
  readonly text: string;
  /** What opens it. Absent where nothing is configured. */
  readonly secret?: string;
  /**
   * DER SubjectPublicKeyInfo of the certificate that it is to sign for, where there is one: what the text names may have several
   * versions. It need not be among them.
   */
  readonly spki?: Uint8Array;
}

export interface OpenedKey {
  /** DER SubjectPublicKeyInfo, to be compared with the issuer's certificate. */
  readonly spki: Uint8Array;
  /** @param algorithm must fit the key; it is that of the issuer's certificate. */
  signerFor(algorithm: SignatureAlgorithm): Signer;
  /** What works and should not be, in words that follow the document's place. */
  readonly warning?: string;
  /** Absent where the key is always at hand, as in memory. */
  readonly place?: KeyPlace;
  /** Nobody will sign with it any more. May be called again. */
  readonly release?: () => void;
}

export interface SignerOpener {
  readonly custody: Custody;
  /**
   * May be called again for the same key, after each change of its document.
   * @returns the key, or what is wrong with the document, in words that quote nothing of it or of the secret.
   * @throws AuthorityError `dependency_unavailable` when the key's place does not answer.
   */
  open(
    document: KeyDocument,
    options: { readonly signal: AbortSignal },
  ): Promise<OpenedKey | { readonly problem: string }>;
}
