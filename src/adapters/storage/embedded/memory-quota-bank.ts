// The quota bank of one server: in the memory of the process that its workers borrow from.
import type { Clock } from '../../../ports/platform/clock.ts';
import type { Loan, QuotaBank } from '../../../ports/storage/quota-bank.ts';
import type { FullBucket, QuotaBucket } from '../../../ports/storage/quota-counters.ts';
import { LeakyBuckets } from './leaky-buckets.ts';

export class MemoryQuotaBank implements QuotaBank {
  readonly #buckets: LeakyBuckets;

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#buckets = new LeakyBuckets(clock);
  }

  /** Nothing here waits. */
  async lend(
    bucket: QuotaBucket,
    most: number,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<Loan | FullBucket> {
    signal.throwIfAborted();
    const granted = Math.min(most, this.#buckets.roomIn(bucket));
    if (granted < 1) return this.#buckets.fullOf(bucket);
    this.#buckets.add(bucket, granted);
    return { granted };
  }
}
