// Which certificates bans have made void: asked of the journal when a revocation list is made or an operator wants to know, and
// never on the way of a request.
import type { Ban } from '../../domain/revocation/ban.ts';
import type { RevokedCertificate } from '../../domain/revocation/revoked-certificate.ts';
import type { RecordedLeaf } from '../../domain/revocation/revoked-leaves.ts';

/** More are not named: a ban of that many is better met by another issuer. */
export const MAX_REVOKED = 100_000;

export interface RevokedLeavesFound {
  /** Each certificate once, at most `MAX_REVOKED`, those that end last first. */
  readonly certificates: readonly RevokedCertificate[];
  /** How many there are; `MAX_REVOKED + 1` stands for more than are named. */
  readonly count: number;
}

/** No leaf that lives at `nowMs` was issued before `sinceMs`; both in ms since the epoch. */
export interface LeafWindow {
  readonly nowMs: number;
  readonly sinceMs: number;
}

/** A shared store answers for all servers. Reading twice is harmless. */
export interface RevokedLeaves {
  /**
   * Leaves that live, are concerned by one of the bans and were issued before it or with it: as `revokedBy` of the domain says.
   * @throws AuthorityError `dependency_unavailable` (CAP-S04) when it cannot be read; the signal's reason.
   */
  revokedBy(
    bans: readonly Ban[],
    window: LeafWindow,
    options: { readonly signal: AbortSignal },
  ): Promise<RevokedLeavesFound>;
  /** @returns the leaf of a workload that lives and has this serial; nothing where none is on record. @throws as `revokedBy`. */
  leafOf(
    serial: string,
    window: LeafWindow,
    options: { readonly signal: AbortSignal },
  ): Promise<RecordedLeaf | undefined>;
}
