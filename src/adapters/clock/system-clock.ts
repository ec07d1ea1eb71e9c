// The machine's clocks and timers, as the CA's Clock.
import { performance } from 'node:perf_hooks';
import { setTimeout as timer } from 'node:timers/promises';
import type { Clock } from '../../ports/clock.ts';

/** A longer timer overflows 32 bits and would fire at once. */
export const MAX_TIMER_MS = 2 ** 31 - 1;

type Timer = (ms: number, value: undefined, options: { readonly signal: AbortSignal }) => Promise<unknown>;

export class SystemClock implements Clock {
  readonly #timer: Timer;

  /** @param options.timer stands in for Node's timer, so that a test need not wait for weeks. */
  constructor(options: { readonly timer?: Timer } = {}) {
    this.#timer = options.timer ?? timer;
  }

  nowMs(): number {
    return Date.now();
  }

  monotonicMs(): number {
    return performance.now();
  }

  async sleep(ms: number, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    try {
      let left = ms;
      for (; left > MAX_TIMER_MS; left -= MAX_TIMER_MS) await this.#timer(MAX_TIMER_MS, undefined, { signal });
      await this.#timer(left, undefined, { signal });
    } catch (cause) {
      signal.throwIfAborted();
      throw cause;
    }
  }
}
