// The certificates that are revoked at this moment, for who makes revocation lists.
import type { RevokedLeavesFound } from '../storage/revoked-leaves.ts';

export interface RevokedNow {
  /**
   * @returns those that still live, of every issuer.
   * @throws AuthorityError `dependency_unavailable` (CAP-S04) when nobody can tell now; the signal's reason.
   */
  revoked(options: { readonly signal: AbortSignal }): Promise<RevokedLeavesFound>;
  /** Calls `listener` whenever there may be others, until the signal aborts. */
  onChange(listener: () => void, options: { readonly signal: AbortSignal }): void;
}
