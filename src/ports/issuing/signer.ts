// A key that signs certificates and never leaves its place: memory today, PKCS#11 or a KMS later.

import type { SignatureAlgorithm } from '../../domain/x509/key-types.ts';

export interface Signer {
  readonly algorithm: SignatureAlgorithm;
  /**
   * Signs a DER TBSCertificate; returns the signature as it stands in the certificate
   * (ECDSA: DER SEQUENCE of r and s). A software key may answer at once; a remote one takes time.
   * @throws AuthorityError `dependency_unavailable` when the key's place does not answer.
   */
  sign(tbs: Uint8Array, options: { readonly signal: AbortSignal }): Uint8Array | Promise<Uint8Array>;
}
