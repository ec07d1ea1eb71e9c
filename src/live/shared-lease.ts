// A lease that several parts of one process hold together: taken once, renewed until the last of them lets go, and over by
// our own monotonic clock before another process can have it, whatever becomes of the store that keeps it.
import type { Clock } from '../ports/platform/clock.ts';
import type { HeldLease, Lease } from '../ports/storage/lease.ts';

/** What a store granted to this process, until it is lost or given back. */
export interface GrantedTerm {
  readonly epoch: number;
  /**
   * Asks for another whole term.
   * @returns false when another process has the lease. @throws Error when the store cannot be asked; it is asked again.
   */
  renew(options: { readonly signal: AbortSignal }): Promise<boolean>;
  /** Lets another process have it. Bounds its own time; one that fails passes on when its term is over. */
  release(): Promise<void>;
}

export interface SharedLeaseParts {
  readonly clock: Pick<Clock, 'monotonicMs' | 'sleep' | 'after'>;
  /** @returns nothing while another process has it. @throws when the store cannot be asked: so does `acquire`. */
  readonly take: (options: { readonly signal: AbortSignal }) => Promise<GrantedTerm | undefined>;
}

/** In ms. `termMs` is more than twice `renewEveryMs` and `marginMs` together: two renewals may fail. */
export interface LeaseTimes {
  /** How long the lease belongs to a holder that is not heard of any more. */
  readonly termMs: number;
  readonly renewEveryMs: number;
  /** By how much the work stops before another may begin it: more than two clocks drift apart within a term. */
  readonly marginMs: number;
  /** How often one that waits looks whether the lease is free. */
  readonly lookEveryMs: number;
}

export class SharedLease implements Lease, AsyncDisposable {
  readonly #parts: SharedLeaseParts;
  readonly #times: LeaseTimes;
  #held: Holding | undefined;
  /** Tries take turns: a second one by the same holder would end the epoch of the first. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(parts: SharedLeaseParts, times: LeaseTimes) {
    this.#parts = parts;
    this.#times = times;
  }

  async acquire({ signal }: { readonly signal: AbortSignal }): Promise<HeldLease> {
    for (;;) {
      const held = await this.#inTurn(async () => this.#shared(signal), signal);
      if (held !== undefined) return held;
      await this.#parts.clock.sleep(this.#times.lookEveryMs, { signal });
    }
  }

  /** Lets another process have it, whatever still holds it here. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#held?.letGo();
  }

  async #shared(signal: AbortSignal): Promise<HeldLease | undefined> {
    if (this.#held?.isHeld !== true) this.#held = await this.#taken(signal);
    return this.#held?.share();
  }

  async #taken(signal: AbortSignal): Promise<Holding | undefined> {
    const { clock, take } = this.#parts;
    const sentMs = clock.monotonicMs();
    const term = await take({ signal });
    return term && new Holding(clock, this.#times, { term, sentMs });
  }

  async #inTurn<T>(work: () => Promise<T>, signal: AbortSignal): Promise<T> {
    const turn = this.#turn.then(async () => {
      signal.throwIfAborted();
      return work();
    });
    this.#turn = turn.catch(() => undefined);
    return turn;
  }
}

interface Granted {
  readonly term: GrantedTerm;
  /** When it was asked for, by the monotonic clock: the term began no earlier. */
  readonly sentMs: number;
}

/** One epoch of this process, for as many parts of it as hold the lease; renewed until the last of them lets go. */
class Holding {
  readonly #clock: SharedLeaseParts['clock'];
  readonly #times: LeaseTimes;
  readonly #term: GrantedTerm;
  readonly #lost = new AbortController();
  readonly #over = new AbortController();
  #holders = 0;
  #lettingGo: Promise<void> | undefined;
  #cancelEnd: () => void = () => undefined;

  constructor(clock: SharedLeaseParts['clock'], times: LeaseTimes, { term, sentMs }: Granted) {
    this.#clock = clock;
    this.#times = times;
    this.#term = term;
    this.#endsAfter(sentMs);
    void this.#renew(this.#over.signal);
  }

  get isHeld(): boolean {
    return !this.#over.signal.aborted;
  }

  async letGo(): Promise<void> {
    await (this.#lettingGo ??= this.#release());
  }

  share(): HeldLease {
    this.#holders += 1;
    let holds = true;
    const release = async (): Promise<void> => {
      if (!holds) return;
      holds = false;
      this.#holders -= 1;
      if (this.#holders === 0) await this.letGo();
    };
    return { epoch: this.#term.epoch, lost: this.#lost.signal, release };
  }

  async #release(): Promise<void> {
    if (!this.isHeld) return;
    this.#end();
    await this.#term.release();
  }

  async #renew(signal: AbortSignal): Promise<void> {
    while (await slept(this.#clock, this.#times.renewEveryMs, signal)) {
      const sentMs = this.#clock.monotonicMs();
      // The store says by itself that it cannot be asked; the lease ends in time without an answer.
      const renewed = await this.#term.renew({ signal }).catch(() => undefined);
      if (signal.aborted) return;
      if (renewed === false) this.#lose();
      else if (renewed === true) this.#endsAfter(sentMs);
    }
  }

  #endsAfter(sentMs: number): void {
    this.#cancelEnd();
    const endMs = sentMs + this.#times.termMs - this.#times.marginMs;
    this.#cancelEnd = this.#clock.after(Math.max(0, endMs - this.#clock.monotonicMs()), () => this.#lose());
  }

  #lose(): void {
    this.#end();
    this.#lost.abort(new Error('the lease is lost'));
  }

  #end(): void {
    this.#cancelEnd();
    this.#over.abort();
  }
}

async function slept(clock: Pick<Clock, 'sleep'>, ms: number, signal: AbortSignal): Promise<boolean> {
  return clock.sleep(ms, { signal }).then(
    () => true,
    () => false,
  );
}
