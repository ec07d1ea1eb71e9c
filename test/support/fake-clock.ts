// A clock that stands still until a test moves it.
import type { Clock } from '../../src/ports/clock.ts';

interface Sleeper {
  readonly dueMs: number;
  readonly wake: () => void;
}

/** A Tuesday at noon, in whole seconds. */
export const NOON_MS = Date.UTC(2026, 0, 6, 12, 0, 0);

export class FakeClock implements Clock {
  readonly #startMs: number;
  #nowMs: number;
  readonly #sleepers = new Set<Sleeper>();

  constructor(startMs: number = NOON_MS) {
    this.#startMs = startMs;
    this.#nowMs = startMs;
  }

  /** How many sleeps are under way. */
  get sleepers(): number {
    return this.#sleepers.size;
  }

  nowMs(): number {
    return this.#nowMs;
  }

  monotonicMs(): number {
    return this.#nowMs - this.#startMs;
  }

  async sleep(ms: number, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    signal.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const end = (settle: () => void): void => {
        this.#sleepers.delete(sleeper);
        signal.removeEventListener('abort', abort);
        settle();
      };
      const abort = (): void => end(() => reject(signal.reason as Error));
      const sleeper = { dueMs: this.#nowMs + ms, wake: () => end(resolve) };
      this.#sleepers.add(sleeper);
      signal.addEventListener('abort', abort, { once: true });
    });
  }

  /** Moves time on, waking each sleeper at its own moment, in order; promises settle in between. */
  async advance(ms: number): Promise<void> {
    const targetMs = this.#nowMs + ms;
    await settle();
    for (let next = this.#next(targetMs); next !== undefined; next = this.#next(targetMs)) {
      this.#nowMs = Math.max(this.#nowMs, next.dueMs);
      next.wake();
      await settle();
    }
    this.#nowMs = targetMs;
    await settle();
  }

  /** Lets the wall clock jump without waking anybody, as an operator or NTP would. */
  jumpTo(nowMs: number): void {
    this.#nowMs = nowMs;
  }

  #next(untilMs: number): Sleeper | undefined {
    const due = [...this.#sleepers].filter(({ dueMs }) => dueMs <= untilMs);
    return due.sort((a, b) => a.dueMs - b.dueMs)[0];
  }
}

/** Two turns of the event loop: promises settle, and what they started in one turn too. */
export async function settle(): Promise<void> {
  for (let turn = 0; turn < 2; turn += 1) await new Promise(setImmediate);
}
