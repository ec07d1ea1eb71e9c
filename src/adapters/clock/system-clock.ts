// The machine's clocks and timers, as the CA's Clock.
import { performance } from 'node:perf_hooks';
import { setTimeout as timer } from 'node:timers/promises';
import type { Clock, Woken } from '../../ports/platform/clock.ts';

/** A longer timer overflows 32 bits and would fire at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

/** How often the wall clock is compared with the monotonic one while somebody waits for a moment. */
const LOOK_EVERY_MS = 1_000;
/** A smaller difference is the ordinary correction of a clock; many small ones add up to a step. */
const STEP_MS = 500;

type Timer = (
  ms: number,
  value: undefined,
  options: { readonly signal?: AbortSignal; readonly ref?: boolean },
) => Promise<unknown>;

export class SystemClock implements Clock {
  readonly #timer: Timer;
  readonly #wallMs: () => number;
  readonly #monotonicMs: () => number;
  /** What a step wakes. While there are any, one timer looks at the clocks. */
  readonly #waiting = new Set<() => void>();
  #watching = false;

  /**
   * @param options.timer stands in for Node's timer, so that a test need not wait for weeks.
   * @param options.wallMs stands in for the wall clock, so that a test can set it.
   * @param options.monotonicMs stands in for the monotonic clock, of which such a timer knows.
   */
  constructor(options: Partial<{ timer: Timer; wallMs: () => number; monotonicMs: () => number }> = {}) {
    this.#timer = options.timer ?? timer;
    this.#wallMs = options.wallMs ?? Date.now;
    this.#monotonicMs = options.monotonicMs ?? (() => performance.now());
  }

  nowMs(): number {
    return this.#wallMs();
  }

  monotonicMs(): number {
    return this.#monotonicMs();
  }

  async sleep(ms: number, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    const dueMs = this.monotonicMs() + ms;
    try {
      // Node's timers count from the beginning of a turn of the event loop, in whole ms, and so fire early: who looks at the
      // clock then would find that nothing is due.
      let leftMs = ms;
      do {
        await this.#timer(Math.min(leftMs, MAX_TIMER_MS), undefined, { signal });
        leftMs = dueMs - this.monotonicMs();
      } while (leftMs > 0);
    } catch (cause) {
      signal.throwIfAborted();
      throw cause;
    }
  }

  after(ms: number, act: () => void): () => void {
    const handle = setTimeout(act, ms);
    return () => clearTimeout(handle);
  }

  async sleepUntil(wallMs: number, { signal }: { readonly signal: AbortSignal }): Promise<Woken> {
    const stepped = new AbortController();
    const wake = (): void => stepped.abort();
    const either = { signal: AbortSignal.any([signal, stepped.signal]) };
    this.#waiting.add(wake);
    void this.#watch();
    try {
      // A timer may fire a moment before the wall clock is there.
      for (let leftMs = wallMs - this.nowMs(); leftMs > 0; leftMs = wallMs - this.nowMs()) {
        await this.sleep(leftMs, either);
      }
      return 'reached';
    } catch {
      signal.throwIfAborted();
      return 'stepped';
    } finally {
      this.#waiting.delete(wake);
    }
  }

  /** A suspended machine counts as a step too: its monotonic clock and its timers stood still. */
  async #watch(): Promise<void> {
    if (this.#watching) return;
    this.#watching = true;
    let offsetMs = this.#offsetMs();
    while (this.#waiting.size > 0) {
      await this.#timer(LOOK_EVERY_MS, undefined, { ref: false });
      if (Math.abs(this.#offsetMs() - offsetMs) < STEP_MS) continue;
      offsetMs = this.#offsetMs();
      for (const wake of [...this.#waiting]) wake();
    }
    this.#watching = false;
  }

  #offsetMs(): number {
    return this.nowMs() - this.monotonicMs();
  }
}
