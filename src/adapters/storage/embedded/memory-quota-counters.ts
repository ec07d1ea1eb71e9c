// The quota counters of a process that is alone.
import type { Clock } from '../../../ports/platform/clock.ts';
import type { FullBucket, QuotaBucket, QuotaCounters } from '../../../ports/storage/quota-counters.ts';
import { LeakyBuckets } from './leaky-buckets.ts';

export class MemoryQuotaCounters implements QuotaCounters {
  readonly #buckets: LeakyBuckets;

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#buckets = new LeakyBuckets(clock);
  }

  /** Nothing here waits. */
  async take(
    buckets: readonly QuotaBucket[],
    { signal }: { readonly signal: AbortSignal },
  ): Promise<readonly FullBucket[]> {
    signal.throwIfAborted();
    const full = buckets.filter((bucket) => this.#buckets.roomIn(bucket) < 1);
    if (full.length > 0) return full.map((bucket) => this.#buckets.fullOf(bucket));
    for (const bucket of buckets) this.#buckets.add(bucket, 1);
    return [];
  }
}
