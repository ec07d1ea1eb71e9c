// The quota counters of a process that is alone: in memory, by the monotonic clock.
import { Recent } from '../../../domain/bounded/recent.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { FullBucket, QuotaBucket, QuotaCounters } from '../../../ports/storage/quota-counters.ts';

interface Level {
  level: number;
  atMs: number;
}

/** A bucket as it is now, for one more. */
interface Filling extends QuotaBucket {
  readonly bucket: Level;
}

const MINUTE_MS = 60_000;
/** Most buckets of one kind; one that has been left alone longest makes room, which only ever lets more through. */
const MAX_BUCKETS = 20_000;

export class MemoryQuotaCounters implements QuotaCounters {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #central = new Recent<Level>(MAX_BUCKETS);
  readonly #local = new Recent<Level>(MAX_BUCKETS);

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  /** Nothing here waits. */
  async take(
    buckets: readonly QuotaBucket[],
    { signal }: { readonly signal: AbortSignal },
  ): Promise<readonly FullBucket[]> {
    signal.throwIfAborted();
    const fillings = buckets.map((bucket) => ({ ...bucket, bucket: this.#leaked(bucket) }));
    const full = fillings.filter((filling) => overflow(filling) > 0);
    if (full.length > 0) return full.map((filling) => ({ key: filling.key, roomAfterMs: timeToRoom(filling) }));
    for (const { bucket } of fillings) bucket.level += 1;
    return [];
  }

  #leaked({ key, perMinute, central }: QuotaBucket): Level {
    const levels = central ? this.#central : this.#local;
    const nowMs = this.#clock.monotonicMs();
    const bucket = levels.get(key) ?? { level: 0, atMs: nowMs };
    bucket.level = Math.max(0, bucket.level - ((nowMs - bucket.atMs) * perMinute) / MINUTE_MS);
    bucket.atMs = nowMs;
    levels.set(key, bucket);
    return bucket;
  }
}

/** Rounding of the leak must not cost a certificate. */
function overflow({ bucket, perMinute }: Filling): number {
  const over = bucket.level + 1 - perMinute;
  return over <= 1e-9 ? 0 : over;
}

function timeToRoom(filling: Filling): number {
  return filling.perMinute === 0 ? MINUTE_MS : Math.ceil((overflow(filling) * MINUTE_MS) / filling.perMinute);
}
