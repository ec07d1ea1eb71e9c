// Limits the bytes of discovery requests read in a second for one namespace, over all its streams and fetches: reading
// takes the one thread that serves all of them. What is over waits on its own stream, which is paused, so that HTTP/2 holds
// its client back; owners do not wait for each other, and the streams of one take turns, a message each.
import { abortable } from '../../../live/abortable.ts';
import { Recent } from '../../../domain/bounded/recent.ts';
import { every } from '../../../live/every.ts';
import type { Clock } from '../../../ports/platform/clock.ts';

/**
 * What an owner may say in a second: 2,000 ACKs. Of the bytes that are slowest to read, empty names, it takes a quarter of
 * that second.
 */
const BYTES_PER_SECOND = 2 * 1024 * 1024;
/**
 * What an owner that was quiet may say at once: 7,000 ACKs, or the first requests of 1,000 proxies with node metadata of
 * 3 KB each. 5,000 such proxies, a namespace's share of the streams by default, are read within 8 seconds, sooner than
 * Envoy ceases to wait for its first secrets (15 s).
 */
const BURST_BYTES = 8 * 1024 * 1024;
/** How often those that wait are looked at; within it an owner gains 100 KiB. */
export const TURN_MS = 50;
/** Namespaces whose use is remembered. */
const MAX_OWNERS = 10_000;

/** A stream or fetch that waits for its turn. */
export interface RateLimited {
  /** Its turn has come; it waits no more. Must not throw. */
  proceed(): void;
}

export class MessageRateLimit {
  readonly #clock: Clock;
  /** When an owner has its whole burst again; by the monotonic clock. */
  readonly #wholeAtMs = new Recent<number>(MAX_OWNERS);
  /** By owner, in the order of their turns. Bounded by the streams and fetches there may be; each waits once. */
  readonly #waiting = new Map<string, Set<RateLimited>>();
  /** Ends the sleep between two turns, when none waits any more. */
  #idle: AbortController | undefined;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** @returns whether it is the owner's turn now. If not, `waiter.proceed` is called when it is, unless it is forgotten. */
  enter(owner: string, waiter: RateLimited): boolean {
    const waiting = this.#waiting.get(owner);
    if (waiting === undefined && this.#hasRoom(owner)) return true;
    if (waiting !== undefined) waiting.add(waiter);
    else this.#waiting.set(owner, new Set([waiter]));
    if (this.#idle === undefined) {
      this.#idle = new AbortController();
      void this.#takeTurns(this.#idle);
    }
    return false;
  }

  /** Resolves when it is the owner's turn. Rejects with the signal's reason. */
  async turn(owner: string, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    await abortable<undefined>(signal, ({ resolve }) => {
      const proceed = (): void => resolve(undefined);
      const waiter = { proceed };
      if (this.enter(owner, waiter)) proceed();
      return () => this.forget(owner, waiter);
    });
  }

  /** For a message whose turn has come, before the work. May take more than there is: then the next waits longer. */
  charge(owner: string, bytes: number): void {
    const fromMs = Math.max(this.#clock.monotonicMs(), this.#wholeAtMs.get(owner) ?? 0);
    this.#wholeAtMs.set(owner, fromMs + (bytes * 1000) / BYTES_PER_SECOND);
  }

  /** It waits no more, if it did. */
  forget(owner: string, waiter: RateLimited): void {
    const waiting = this.#waiting.get(owner);
    if (waiting?.delete(waiter) !== true || waiting.size > 0) return;
    this.#waiting.delete(owner);
    if (this.#waiting.size > 0) return;
    this.#idle?.abort();
    this.#idle = undefined;
  }

  #hasRoom(owner: string): boolean {
    const missingMs = (this.#wholeAtMs.get(owner) ?? 0) - this.#clock.monotonicMs();
    return missingMs < (BURST_BYTES * 1000) / BYTES_PER_SECOND;
  }

  async #takeTurns({ signal }: AbortController): Promise<void> {
    const takeTurn = (): void => {
      for (const [owner, waiting] of this.#waiting) this.#admit(owner, waiting);
    };
    await every(TURN_MS, this.#clock, takeTurn, { signal });
  }

  #admit(owner: string, waiting: ReadonlySet<RateLimited>): void {
    for (const waiter of waiting) {
      if (!this.#hasRoom(owner)) return;
      this.forget(owner, waiter);
      waiter.proceed();
    }
  }
}
