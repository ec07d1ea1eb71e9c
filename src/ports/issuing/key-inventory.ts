// The private keys of a place that may have several, as a token or the folder of an issuer does: to be listed, and cleaned of those
// that nobody will sign with.

export interface HeldKey {
  /** As the place calls it; several keys may be called alike. */
  readonly label: string;
  /** Where it is in that place: the CKA_ID of a token in hex, the name of a file. */
  readonly id: string;
  /** DER SubjectPublicKeyInfo; absent where the place does not tell. */
  readonly spki?: Uint8Array;
  /** Whether a certificate for it lies beside it. */
  readonly hasCertificate: boolean;
}

export interface KeyInventory {
  /** @returns every private key that can be reached there. @throws AuthorityError CAP-S15 while the place does not answer. */
  keys(options: { readonly signal: AbortSignal }): Promise<readonly HeldKey[]>;
  /**
   * Deletes the private key and its public half, for good. Who asks knows that nobody signs with it.
   * @param spki DER SubjectPublicKeyInfo of the key.
   * @throws AuthorityError CAP-O03 when it is not there, has a certificate beside it, or may not be deleted; CAP-S15 as above.
   */
  remove(spki: Uint8Array, options: { readonly signal: AbortSignal }): Promise<void>;
}
