// How long the start waits for what somebody else says, such as an API server that may be away: all parts together, so that
// a server which has to start without it does not wait once for each.
import type { Clock } from '../ports/platform/clock.ts';

/** Longest wait of all parts together, as long as it takes to believe that a cluster has no CRDs, and then some. */
export const START_WITHIN_MS = 10_000;

export class StartWait {
  readonly #clock: Pick<Clock, 'after' | 'monotonicMs'>;
  #deadlineMs: number | undefined;

  /** @param clock by which the time runs from the first wait on. */
  constructor(clock: Pick<Clock, 'after' | 'monotonicMs'>) {
    this.#clock = clock;
  }

  /**
   * Resolves when `known` does, fails, or when the time is over: going on is safe for parts that say themselves what they lack.
   * @param known rejects when its signal aborts.
   * @throws the signal's reason when it aborts.
   */
  async until(
    known: (options: { readonly signal: AbortSignal }) => Promise<void>,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<void> {
    const nowMs = this.#clock.monotonicMs();
    this.#deadlineMs ??= nowMs + START_WITHIN_MS;
    const over = new AbortController();
    const takeBack = this.#clock.after(Math.max(0, this.#deadlineMs - nowMs), () => over.abort());
    try {
      await known({ signal: AbortSignal.any([signal, over.signal]) });
    } catch {
      signal.throwIfAborted();
    } finally {
      takeBack();
    }
  }
}
