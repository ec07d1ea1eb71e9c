// What the bans have made void by now, out of the journal, for who makes revocation lists.
import type { BanLedger } from '../../domain/revocation/ban-ledger.ts';
import { SETTLES_MS } from '../../domain/revocation/revoked-leaves.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { RevokedNow } from '../../ports/revocation/revoked-now.ts';
import type { RevokedLeaves, RevokedLeavesFound } from '../../ports/storage/revoked-leaves.ts';
import type { FollowedLedger } from '../trust/followed-ledger.ts';

interface Waits {
  readonly signal: AbortSignal;
}

export interface RevokedByBansParts {
  readonly ledger: Pick<FollowedLedger<BanLedger>, 'current' | 'onChange'>;
  readonly leaves: Pick<RevokedLeaves, 'revokedBy'>;
  readonly clock: Pick<Clock, 'nowMs' | 'sleep'>;
}

export class RevokedByBans implements RevokedNow {
  readonly #parts: RevokedByBansParts;
  readonly #longestLeafMs: number;

  /** @param settings.longestLeafMs no leaf lives longer. */
  constructor(parts: RevokedByBansParts, settings: { readonly longestLeafMs: number }) {
    this.#parts = parts;
    this.#longestLeafMs = settings.longestLeafMs;
  }

  async revoked(options: Waits): Promise<RevokedLeavesFound> {
    const { ledger, leaves, clock } = this.#parts;
    const { bans } = ledger.current();
    if (bans.length === 0) return { certificates: [], count: 0 };
    const nowMs = clock.nowMs();
    return leaves.revokedBy(bans, { nowMs, sinceMs: nowMs - this.#longestLeafMs }, options);
  }

  /** And once more when everybody has heard of the bans, for what was issued until then. */
  onChange(listener: () => void, { signal }: Waits): void {
    this.#parts.ledger.onChange(
      () => {
        listener();
        this.#parts.clock.sleep(SETTLES_MS, { signal }).then(listener, () => undefined);
      },
      { signal },
    );
  }
}
