// The CA above an issuer, where it signs the issuer's intermediates by itself. What it answers is judged here and trusted for
// nothing: no anchor is learnt from it.

export interface IntermediateRequest {
  /** PKCS #10, which asks for a CA; see `caRequest`. */
  readonly csrPem: string;
  /** Wanted; the upstream may give less, and then it is judged by what it gave. */
  readonly lifetimeMs: number;
}

/**
 * For an implementer: an answer has bounds of time and of size, no redirect is followed, and no token is in what is thrown.
 * Asked again after a failure, with the same request: what was signed for an answer that was lost is forgotten.
 */
export interface IntermediateUpstream {
  /** What an operator calls it, such as `Vault at https://vault.corp:8200, mount mesh`. */
  readonly place: string;
  /**
   * @returns PEM: the intermediate first, then the CAs above it in order; the root may be the last.
   * @throws AuthorityError `dependency_unavailable` (CAP-S16) with one sentence of what answered and what to do, whether or not
   *   another try may help; the signal's reason when it aborts.
   */
  sign(request: IntermediateRequest, options: { readonly signal: AbortSignal }): Promise<string>;
}
