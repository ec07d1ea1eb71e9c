// Leaky buckets in memory, by the monotonic clock: what quota counters and quota banks of one process stand on.
import { ROUNDING, roomAfterMs } from '../../../domain/bounded/leaky-bucket.ts';
import { Recent } from '../../../domain/bounded/recent.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { FullBucket, QuotaBucket } from '../../../ports/storage/quota-counters.ts';

interface Level {
  level: number;
  atMs: number;
}

const MINUTE_MS = 60_000;
/** Most buckets of one kind; one that has been left alone longest makes room, which only ever lets more through. */
const MAX_BUCKETS = 20_000;

export class LeakyBuckets {
  readonly #clock: Pick<Clock, 'monotonicMs'>;
  readonly #central = new Recent<Level>(MAX_BUCKETS);
  readonly #local = new Recent<Level>(MAX_BUCKETS);

  constructor(clock: Pick<Clock, 'monotonicMs'>) {
    this.#clock = clock;
  }

  /** @returns how many the bucket has room for now. */
  roomIn(bucket: QuotaBucket): number {
    return Math.max(0, Math.floor(bucket.perMinute - this.#leaked(bucket).level + ROUNDING));
  }

  /** @returns when a bucket without room has room for one. */
  fullOf(bucket: QuotaBucket): FullBucket {
    return { key: bucket.key, roomAfterMs: roomAfterMs(this.#leaked(bucket).level, bucket.perMinute) };
  }

  add(bucket: QuotaBucket, count: number): void {
    this.#leaked(bucket).level += count;
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
