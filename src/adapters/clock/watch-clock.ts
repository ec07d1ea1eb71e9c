// The clock of loops that look at something again and again: on demand all of them look now. Only for loops to
// which waking early means one look more.
import type { Clock, Woken } from '../../ports/platform/clock.ts';

/** A loop that was busy with the look before is made to look once more, this long after the demand. */
const ONCE_MORE_MS = 1_000;

export class WatchClock implements Clock {
  readonly #clock: Clock;
  #rouse = new AbortController();
  #rousedMs = -Infinity;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** Ends every sleep under way. */
  rouse(): void {
    this.#rousedMs = this.monotonicMs();
    this.#rouse.abort();
    this.#rouse = new AbortController();
  }

  nowMs(): number {
    return this.#clock.nowMs();
  }

  monotonicMs(): number {
    return this.#clock.monotonicMs();
  }

  async sleep(ms: number, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    const onceMore = this.monotonicMs() - this.#rousedMs < ONCE_MORE_MS;
    const sleeping = AbortSignal.any([signal, this.#rouse.signal]);
    try {
      await this.#clock.sleep(onceMore ? Math.min(ms, ONCE_MORE_MS) : ms, { signal: sleeping });
    } catch (cause) {
      signal.throwIfAborted();
      if (!sleeping.aborted) throw cause;
    }
  }

  after(ms: number, act: () => void): () => void {
    return this.#clock.after(ms, act);
  }

  async sleepUntil(wallMs: number, options: { readonly signal: AbortSignal }): Promise<Woken> {
    return this.#clock.sleepUntil(wallMs, options);
  }
}
