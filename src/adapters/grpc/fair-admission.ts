// Admission of requests to one service, over all its listeners, fair by owner: the namespace authenticated on the
// connection, or else its source. An owner has so many requests in flight and its next one waits; those that wait
// are admitted in turn by owner. So a crowd of one owner waits for itself, and a request of another goes first.
import { AuthorityError } from '../../domain/errors.ts';
import { abortable } from '../../live/abortable.ts';
import { Places } from '../../domain/bounded/places.ts';

export interface AdmissionLimits {
  /** Requests at a time. */
  readonly maxInFlight: number;
  /** Of them, those of one owner. */
  readonly maxInFlightEach: number;
}

/** Longest that a request waits for its turn, and at most half of its time; then its client had better ask another server. */
const MAX_WAIT_MS = 500;
/** By then some hundred requests in flight are answered. */
const RETRY_AFTER_MS = 200;
/** Most that wait, for each that may be under way; one more takes the place of one of the owner that has most. */
const WAITING_PER_PLACE = 2;

interface Waiting {
  readonly admit: () => void;
  readonly refuse: (error: Error) => void;
}

export class FairAdmission {
  readonly #limits: AdmissionLimits;
  readonly #maxWaitMs: number;
  readonly #inFlight = new Map<string, number>();
  #total = 0;
  readonly #waiting = new Places<Waiting>();
  /** Who waits, in the order of their turns. */
  readonly #turns = new Set<string>();

  /** @param limits.deadlineMs what a request has in all. */
  constructor(limits: AdmissionLimits & { readonly deadlineMs: number }) {
    this.#limits = limits;
    this.#maxWaitMs = Math.min(MAX_WAIT_MS, limits.deadlineMs / 2);
  }

  /**
   * Resolves when the owner's turn has come; then `leave` is owed.
   * @throws AuthorityError CAP-Q01 when it does not come soon, or too many wait; the signal's reason.
   */
  async enter(owner: string, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    signal.throwIfAborted();
    if (this.#roomFor(owner)) this.#count(owner, 1);
    else await this.#wait(owner, signal);
  }

  leave(owner: string): void {
    this.#count(owner, -1);
    for (const next of this.#turns) {
      if (this.#total >= this.#limits.maxInFlight) return;
      if (this.#roomFor(next)) this.#waiting.oldestOf(next)?.admit();
    }
  }

  #roomFor(owner: string): boolean {
    const { maxInFlight, maxInFlightEach } = this.#limits;
    return this.#total < maxInFlight && (this.#inFlight.get(owner) ?? 0) < maxInFlightEach;
  }

  #count(owner: string, by: 1 | -1): void {
    const left = (this.#inFlight.get(owner) ?? 0) + by;
    if (left > 0) this.#inFlight.set(owner, left);
    else this.#inFlight.delete(owner);
    this.#total += by;
  }

  async #wait(owner: string, signal: AbortSignal): Promise<void> {
    this.#makeRoomToWait(owner);
    await abortable<undefined>(signal, ({ resolve, reject }) => {
      const timer = setTimeout(() => reject(tooMany()), this.#maxWaitMs);
      const admit = (): void => {
        this.#count(owner, 1);
        resolve(undefined);
      };
      const waiting: Waiting = { admit, refuse: reject };
      this.#waiting.add(owner, waiting);
      this.#turns.add(owner);
      return () => {
        clearTimeout(timer);
        this.#waiting.remove(owner, waiting);
        // An owner that still waits goes to the end of the line.
        this.#turns.delete(owner);
        if (this.#waiting.heldBy(owner) > 0) this.#turns.add(owner);
      };
    });
  }

  /** @throws AuthorityError CAP-Q01 when no other owner has more waiting. */
  #makeRoomToWait(owner: string): void {
    if (this.#waiting.size < this.#limits.maxInFlight * WAITING_PER_PLACE) return;
    const largest = this.#waiting.largestOwner() ?? owner;
    if (this.#waiting.heldBy(largest) <= this.#waiting.heldBy(owner)) throw tooMany();
    this.#waiting.oldestOf(largest)?.refuse(tooMany());
  }
}

function tooMany(): AuthorityError {
  return new AuthorityError('CAP-Q01', { retryAfterMs: RETRY_AFTER_MS });
}
