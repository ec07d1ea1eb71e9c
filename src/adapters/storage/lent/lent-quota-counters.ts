// The quota counters of one process of several: it spends what the bank of all lent to it, and asks for more when that is
// spent. A quota below 200 a minute is borrowed one by one and so is exact; of a larger one a hundredth is borrowed at once.
import { Recent } from '../../../domain/bounded/recent.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { QuotaBank } from '../../../ports/storage/quota-bank.ts';
import type { FullBucket, QuotaBucket, QuotaCounters } from '../../../ports/storage/quota-counters.ts';
import { LentBucket } from './lent-bucket.ts';

export interface LentQuotaParts {
  readonly bank: QuotaBank;
  readonly clock: Pick<Clock, 'monotonicMs'>;
}

/** Most buckets of one kind; one that has been left alone longest makes room, and what was lent of it is lost. */
const MAX_BUCKETS = 20_000;

export class LentQuotaCounters implements QuotaCounters {
  readonly #parts: LentQuotaParts;
  readonly #central = new Recent<LentBucket>(MAX_BUCKETS);
  readonly #local = new Recent<LentBucket>(MAX_BUCKETS);

  constructor(parts: LentQuotaParts) {
    this.#parts = parts;
  }

  /** Of several buckets without room it names those that it knows of already, or the first that it asks for in vain. */
  async take(
    buckets: readonly QuotaBucket[],
    { signal }: { readonly signal: AbortSignal },
  ): Promise<readonly FullBucket[]> {
    signal.throwIfAborted();
    const lent = buckets.map((bucket) => this.#lentOf(bucket));
    const full = lent.flatMap((bucket) => bucket.full() ?? []);
    if (full.length > 0) return full;
    if (!lent.every((bucket) => bucket.hasOne())) return takeInTurn(lent, signal);
    for (const bucket of lent) bucket.spend();
    return [];
  }

  #lentOf(bucket: QuotaBucket): LentBucket {
    const known = bucket.central ? this.#central : this.#local;
    const lent = known.get(bucket.key) ?? new LentBucket(this.#parts, bucket);
    lent.follow(bucket);
    known.set(bucket.key, lent);
    return lent;
  }
}

/**
 * The smallest first, each only when the one before had one: who is refused by a quota of its own borrows nothing of a
 * larger one that others share.
 */
async function takeInTurn(lent: readonly LentBucket[], signal: AbortSignal): Promise<readonly FullBucket[]> {
  const taken: LentBucket[] = [];
  try {
    for (const bucket of lent.toSorted((a, b) => a.perMinute - b.perMinute)) {
      const full = await bucket.take({ signal });
      if (full !== undefined) return [full];
      taken.push(bucket);
    }
    taken.length = 0;
    return [];
  } finally {
    for (const bucket of taken) bucket.giveBack();
  }
}
