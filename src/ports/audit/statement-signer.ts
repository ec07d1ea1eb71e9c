// The key of heads: one of its own, so that who may sign certificates cannot rewrite the journal, nor the other way round.
import type { Signed, StatementPurpose } from '../../domain/audit/statement.ts';

export interface StatementSigner {
  /**
   * @param statement JSON data.
   * @throws AuthorityError CAP-S15 while the key cannot be read or its place does not answer, which may pass; CAP-X03 for what
   *   is no key; the signal's reason.
   */
  sign<S extends object>(
    purpose: StatementPurpose,
    statement: S,
    options: { readonly signal: AbortSignal },
  ): Promise<Signed<S>>;
  /** @returns the public key, a PEM block of type PUBLIC KEY. @throws as `sign`. */
  publicKey(options: { readonly signal: AbortSignal }): Promise<string>;
}
