// One bucket of a quota as one process sees it: what was lent of it and not spent, and whether it is known to be full.
import { NEVER, orAborted } from '../../../live/abortable.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { QuotaBank } from '../../../ports/storage/quota-bank.ts';
import type { FullBucket, QuotaBucket } from '../../../ports/storage/quota-counters.ts';

interface Parts {
  readonly bank: QuotaBank;
  readonly clock: Pick<Clock, 'monotonicMs'>;
}

const MINUTE_MS = 60_000;
/** One batch of a quota: small enough that a batch for each process is little of it. */
const BATCHES_IN_A_QUOTA = 100;

export class LentBucket {
  readonly #parts: Parts;
  #bucket: QuotaBucket;
  #unspent = 0;
  /** When the last loan came, by the monotonic clock. */
  #lentAtMs = 0;
  /** Calls that want one and have none: as many are borrowed at once. */
  #wanting = 0;
  #borrowing: Promise<void> | undefined;
  #fullUntilMs = 0;

  constructor(parts: Parts, bucket: QuotaBucket) {
    this.#parts = parts;
    this.#bucket = bucket;
  }

  get perMinute(): number {
    return this.#bucket.perMinute;
  }

  /** A quota that was changed is asked for anew. */
  follow(bucket: QuotaBucket): void {
    if (bucket.perMinute !== this.#bucket.perMinute) this.#fullUntilMs = 0;
    this.#bucket = bucket;
  }

  /** @returns when it has room, if it is known to have none and nothing of it is left here. */
  full(): FullBucket | undefined {
    if (this.hasOne()) return undefined;
    const roomAfterMs = this.#fullUntilMs - this.#parts.clock.monotonicMs();
    return roomAfterMs > 0 ? { key: this.#bucket.key, roomAfterMs } : undefined;
  }

  hasOne(): boolean {
    // By then the bank's bucket has leaked as much: what was not spent in time counts as never lent.
    const leakedAfterMs = (this.#batch * MINUTE_MS) / this.perMinute;
    if (this.#parts.clock.monotonicMs() - this.#lentAtMs >= leakedAfterMs) this.#unspent = 0;
    return this.#unspent >= 1;
  }

  /** One that `hasOne`. */
  spend(): void {
    this.#unspent -= 1;
  }

  /** Of a call that is refused by another quota. */
  giveBack(): void {
    this.#unspent += 1;
    this.#keepOneBatch();
  }

  /**
   * Spends one, borrowing when there is none.
   * @returns that the bucket is full, when it is.
   * @throws as QuotaBank.lend.
   */
  async take({ signal }: { readonly signal: AbortSignal }): Promise<FullBucket | undefined> {
    this.#wanting += 1;
    try {
      // Each round somebody gets one or all hear that there is none.
      while (!this.hasOne()) {
        const full = this.full();
        if (full !== undefined) return full;
        signal.throwIfAborted();
        await orAborted((this.#borrowing ??= this.#borrow()), signal);
      }
      this.spend();
      return undefined;
    } finally {
      this.#wanting -= 1;
      this.#keepOneBatch();
    }
  }

  /** At most so many are in hand beyond those that are wanted: the overshoot of this process. */
  get #batch(): number {
    return Math.max(1, Math.floor(this.perMinute / BATCHES_IN_A_QUOTA));
  }

  #keepOneBatch(): void {
    this.#unspent = Math.min(this.#unspent, Math.max(this.#batch, this.#wanting));
  }

  /** Shared by all that want one; whoever gives up leaves it to the others, and the bank bounds how long it takes. */
  async #borrow(): Promise<void> {
    const { bank, clock } = this.#parts;
    try {
      const most = Math.max(1, Math.min(this.perMinute, Math.max(this.#batch, this.#wanting)));
      const answer = await bank.lend(this.#bucket, most, { signal: NEVER });
      if ('granted' in answer) this.#unspent += answer.granted;
      else this.#fullUntilMs = clock.monotonicMs() + answer.roomAfterMs;
      this.#lentAtMs = clock.monotonicMs();
      this.#keepOneBatch();
    } finally {
      this.#borrowing = undefined;
    }
  }
}
