// The wall clock, for conclusions that nothing takes back: that nobody has a certificate any more, and so a trust anchor or a key
// may go. A clock that was set forwards is believed when it has been so for an hour; until then time goes on as it was. One
// that was set back is believed at once, and within an hour it may come back to where it was. What the clock was before this
// process began to look nobody knows.
import type { Clock } from '../ports/platform/clock.ts';

/** Whoever is wrong about the time for less has done no harm. */
export const BELIEVED_AFTER_MS = 3_600_000;
/** A smaller difference is the ordinary correction of a clock. */
const STEP_MS = 1_000;

export class SettledTime {
  readonly #clock: Pick<Clock, 'nowMs' | 'monotonicMs'>;
  /** Between the wall clock and the monotonic one, as it is believed. */
  #offsetMs: number | undefined;
  /** What was believed before a step back. */
  #former: { readonly offsetMs: number; readonly untilMs: number } | undefined;
  /** A step forwards that is not believed yet, and the least that the offset was since. */
  #step: { readonly sinceMs: number; readonly leastMs: number } | undefined;

  constructor(clock: Pick<Clock, 'nowMs' | 'monotonicMs'>) {
    this.#clock = clock;
  }

  /** Whole milliseconds since the epoch, as a database takes them; never ahead of the wall clock. */
  nowMs(): number {
    return Math.floor(this.#clock.monotonicMs() + this.#settle());
  }

  /** By how much the wall clock is ahead of what is believed, in ms; 0 when it is believed. */
  aheadMs(): number {
    const settledMs = this.nowMs();
    // Two readings of the clocks are never of one moment, so a difference alone is no step.
    return this.#step === undefined ? 0 : Math.round(this.#clock.nowMs() - settledMs);
  }

  #settle(): number {
    const monotonicMs = this.#clock.monotonicMs();
    const seenMs = this.#clock.nowMs() - monotonicMs;
    this.#offsetMs ??= seenMs;
    if (monotonicMs >= (this.#former?.untilMs ?? Infinity)) this.#former = undefined;
    if (seenMs < this.#offsetMs - STEP_MS && this.#former === undefined)
      this.#former = { offsetMs: this.#offsetMs, untilMs: monotonicMs + BELIEVED_AFTER_MS };
    if (seenMs <= Math.max(this.#offsetMs, this.#former?.offsetMs ?? -Infinity) + STEP_MS) {
      this.#step = undefined;
      this.#offsetMs = seenMs;
    } else this.#wait(seenMs, monotonicMs);
    return this.#offsetMs;
  }

  #wait(seenMs: number, monotonicMs: number): void {
    const { sinceMs = monotonicMs, leastMs = seenMs } = this.#step ?? {};
    this.#step = { sinceMs, leastMs: Math.min(leastMs, seenMs) };
    if (monotonicMs - sinceMs < BELIEVED_AFTER_MS) return;
    this.#offsetMs = this.#step.leastMs;
    this.#step = seenMs > this.#offsetMs + STEP_MS ? { sinceMs: monotonicMs, leastMs: seenMs } : undefined;
  }
}
