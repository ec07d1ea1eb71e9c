// The machine's time for a whole server, which a test makes leap: the wall clock goes on by hours, and whoever sleeps has slept for
// them. The monotonic clock is the machine's, so what is under way took no longer for it.
import { setTimeout as timer } from 'node:timers/promises';
import { SystemClock } from '../../../src/adapters/clock/system-clock.ts';

interface Leaps {
  ms: number;
  next: AbortController;
}

export class LeapingClock extends SystemClock {
  readonly #leaps: Leaps;

  constructor() {
    const leaps: Leaps = { ms: 0, next: new AbortController() };
    super({ wallMs: () => Date.now() + leaps.ms });
    this.#leaps = leaps;
  }

  leap(ms: number): void {
    this.#leaps.ms += ms;
    const past = this.#leaps.next;
    this.#leaps.next = new AbortController();
    past.abort();
  }

  override async sleep(ms: number, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    const dueMs = this.nowMs() + ms;
    for (let leftMs = ms; leftMs > 0; leftMs = dueMs - this.nowMs()) {
      const either = AbortSignal.any([signal, this.#leaps.next.signal]);
      await timer(Math.min(leftMs, 2 ** 31 - 1), undefined, { signal: either }).catch(() => signal.throwIfAborted());
    }
  }
}
