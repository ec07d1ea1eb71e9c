// A clock that stands still until a test moves it.
import type { Clock, Woken } from '../../../src/ports/platform/clock.ts';

interface Sleeper {
  /** By the monotonic clock. */
  dueMs: number;
  readonly wake: () => void;
  /** The wall clock was set: whoever waits for a moment of it is woken within a second. */
  readonly onStep?: () => void;
}

/** A Tuesday at noon, in whole seconds. */
export const NOON_MS = Date.UTC(2026, 0, 6, 12, 0, 0);

/** How long a step of the wall clock may go unnoticed. */
const STEP_NOTICED_MS = 1_000;

export class FakeClock implements Clock {
  #wallOffsetMs: number;
  #monotonicMs = 0;
  readonly #sleepers = new Set<Sleeper>();

  constructor(startMs: number = NOON_MS) {
    this.#wallOffsetMs = startMs;
  }

  /** How many sleeps are under way. */
  get sleepers(): number {
    return this.#sleepers.size;
  }

  nowMs(): number {
    return this.#wallOffsetMs + this.#monotonicMs;
  }

  monotonicMs(): number {
    return this.#monotonicMs;
  }

  async sleep(ms: number, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    await this.#sleep(ms, signal);
  }

  after(ms: number, act: () => void): () => void {
    const sleeper: Sleeper = {
      dueMs: this.#monotonicMs + ms,
      wake: () => {
        this.#sleepers.delete(sleeper);
        act();
      },
    };
    this.#sleepers.add(sleeper);
    return () => void this.#sleepers.delete(sleeper);
  }

  async sleepUntil(wallMs: number, { signal }: { readonly signal: AbortSignal }): Promise<Woken> {
    let woken: Woken = 'reached';
    await this.#sleep(Math.max(0, wallMs - this.nowMs()), signal, () => (woken = 'stepped'));
    return woken;
  }

  /** Moves time on, waking each sleeper at its own moment, in order; promises settle in between. */
  async advance(ms: number): Promise<void> {
    const targetMs = this.#monotonicMs + ms;
    await settle();
    for (let next = this.#next(targetMs); next !== undefined; next = this.#next(targetMs)) {
      this.#monotonicMs = Math.max(this.#monotonicMs, next.dueMs);
      next.wake();
      await settle();
    }
    this.#monotonicMs = targetMs;
    await settle();
  }

  /** Sets the wall clock, as an operator or NTP would; the monotonic one stands. Nobody is woken yet. */
  jumpTo(nowMs: number): void {
    this.#wallOffsetMs = nowMs - this.#monotonicMs;
    for (const sleeper of this.#sleepers) {
      if (sleeper.onStep === undefined) continue;
      sleeper.onStep();
      sleeper.dueMs = Math.min(sleeper.dueMs, this.#monotonicMs + STEP_NOTICED_MS);
    }
  }

  /** Time passes by both clocks, and nobody is woken. */
  pass(ms: number): void {
    this.#monotonicMs += ms;
  }

  async #sleep(ms: number, signal: AbortSignal, onStep?: () => void): Promise<void> {
    signal.throwIfAborted();
    await new Promise<void>((resolve, reject) => {
      const end = (settle: () => void): void => {
        this.#sleepers.delete(sleeper);
        signal.removeEventListener('abort', abort);
        settle();
      };
      const abort = (): void => end(() => reject(signal.reason as Error));
      const dueMs = this.#monotonicMs + ms;
      const sleeper: Sleeper = { dueMs, wake: () => end(resolve), ...(onStep !== undefined && { onStep }) };
      this.#sleepers.add(sleeper);
      signal.addEventListener('abort', abort, { once: true });
    });
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
