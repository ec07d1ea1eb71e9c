// First requests that wait for a condition to become true. A change of policies wakes all of them, a change of the
// cluster those that it concerns; each is then judged again.
import type { Clock } from '../../ports/platform/clock.ts';

/** Most requests that wait at once for one identity. */
const MAX_WAITING_EACH = 16;

export interface WaitingSubject {
  /** SPIFFE ID. */
  readonly identity: string;
  readonly namespace: string;
}

export class WaitingRequests {
  readonly #clock: Pick<Clock, 'sleep'>;
  readonly #maxWaiting: number;
  /** By what wakes them. */
  readonly #waiting = new Map<() => void, WaitingSubject>();

  /** @param maxWaiting most requests that wait at once. */
  constructor(clock: Pick<Clock, 'sleep'>, maxWaiting: number) {
    this.#clock = clock;
    this.#maxWaiting = maxWaiting;
  }

  wakeAll(): void {
    this.wakeIn(() => true);
  }

  /** @param concerned whether requests for subjects of a namespace shall wake. */
  wakeIn(concerned: (namespace: string) => boolean): void {
    for (const [wake, { namespace }] of this.#waiting) if (concerned(namespace)) wake();
  }

  /** No identity may take all places: what it leaves goes to others. */
  hasRoomFor({ identity }: WaitingSubject): boolean {
    if (this.#waiting.size >= this.#maxWaiting) return false;
    const own = this.#waiting.values().filter((other) => other.identity === identity);
    return own.take(MAX_WAITING_EACH).toArray().length < MAX_WAITING_EACH;
  }

  /** Resolves when it is woken, after `ms`, or when the signal aborts. */
  async changeWithin(ms: number, subject: WaitingSubject, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    const changed = new AbortController();
    const wake = (): void => changed.abort();
    this.#waiting.set(wake, subject);
    try {
      await this.#clock.sleep(ms, { signal: AbortSignal.any([signal, changed.signal]) });
    } catch {
      // Woken early; the caller looks at why.
    } finally {
      this.#waiting.delete(wake);
    }
  }
}
