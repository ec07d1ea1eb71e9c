// Which certificates bans have made void: asked of the journal when a revocation list is made or an operator wants to know, and
// never on the way of a request.
import type { Ban } from '../../domain/revocation/ban.ts';
import type { RevokedCertificate } from '../../domain/revocation/revoked-certificate.ts';

/** More are not named: a ban of that many is better met by another issuer. */
export const MAX_REVOKED = 100_000;

export interface RevokedLeavesFound {
  /** Each certificate once, at most `MAX_REVOKED`, those that end last first. */
  readonly certificates: readonly RevokedCertificate[];
  /** How many there are. */
  readonly count: number;
}

export interface RevokedLeaves {
  /**
   * Leaves that live at `nowMs`, are concerned by one of the bans and were issued before it or with it.
   * @param window no leaf that lives at `nowMs` was issued before `sinceMs`.
   * @throws AuthorityError `dependency_unavailable` (CAP-S04) when it cannot be read; the signal's reason.
   */
  revokedBy(
    bans: readonly Ban[],
    window: { readonly nowMs: number; readonly sinceMs: number },
    options: { readonly signal: AbortSignal },
  ): Promise<RevokedLeavesFound>;
}
