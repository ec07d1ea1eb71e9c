// First requests that wait for a condition to become true. A change of policies or of the cluster wakes those that it
// concerns; each is then judged again.
import { Alarm } from '../../live/alarm.ts';
import type { Clock } from '../../ports/platform/clock.ts';

/** Most requests that wait at once for one identity. */
const MAX_WAITING_EACH = 16;

export interface WaitingSubject {
  /** SPIFFE ID. */
  readonly identity: string;
  readonly namespace: string;
  /** That it is of; absent, the server's own. */
  readonly remoteCluster: string | undefined;
}

export class WaitingRequests {
  readonly #clock: Clock;
  readonly #maxWaiting: number;
  /** By what wakes them. */
  readonly #waiting = new Map<Alarm, WaitingSubject>();

  /** @param maxWaiting most requests that wait at once. */
  constructor(clock: Clock, maxWaiting: number) {
    this.#clock = clock;
    this.#maxWaiting = maxWaiting;
  }

  /** @param concerned whether requests for a subject shall wake. */
  wake(concerned: (subject: WaitingSubject) => boolean): void {
    for (const [alarm, subject] of this.#waiting) if (concerned(subject)) alarm.ring();
  }

  /** No identity may take all places: what it leaves goes to others. */
  hasRoomFor({ identity }: WaitingSubject): boolean {
    if (this.#waiting.size >= this.#maxWaiting) return false;
    const own = this.#waiting.values().filter((other) => other.identity === identity);
    return own.take(MAX_WAITING_EACH).toArray().length < MAX_WAITING_EACH;
  }

  /** Resolves when it is woken, after `ms`, or when the signal aborts. */
  async changeWithin(ms: number, subject: WaitingSubject, options: { readonly signal: AbortSignal }): Promise<void> {
    const alarm = new Alarm(this.#clock);
    this.#waiting.set(alarm, subject);
    try {
      await alarm.sleep(ms, options);
    } finally {
      this.#waiting.delete(alarm);
    }
  }
}
