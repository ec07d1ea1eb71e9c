// The right to a chore as a row of the shared store. The database's clock tells when the row may pass to another holder;
// our own monotonic clock, counted from before each renewal was sent, tells us to stop earlier than that. A holder that
// was stopped for longer than any clock tells writes nothing: what it does is conditional on its epoch, which is over.
import type { Clock } from '../../../../ports/platform/clock.ts';
import type { HeldLease, Lease } from '../../../../ports/storage/lease.ts';
import type { Database } from './database.ts';

export interface PostgresLeaseParts {
  readonly database: Database;
  readonly clock: Pick<Clock, 'monotonicMs' | 'sleep' | 'after'>;
}

export interface PostgresLeaseSettings {
  /** What the lease is for; each name is a lease of its own. */
  readonly name: string;
  /** Of this process and of no other, also not of its next start. */
  readonly holder: string;
}

/** How long the row belongs to a holder that is not heard of any more. */
const TERM_MS = 15_000;
/** Two renewals may fail before the lease is lost. */
const RENEW_EVERY_MS = 4_000;
/** By how much the work stops before another may begin it: more than two clocks drift apart within a term. */
const MARGIN_MS = 2_000;
/** How often one that waits looks whether the lease is free. */
const LOOK_EVERY_MS = 3_000;

/**
 * Free, over, or left to ourselves by a try whose answer we never got: only then does it change, and the epoch rises.
 * Parameters: name, holder, term in ms.
 */
const TAKE = `INSERT INTO leases AS lease (name, holder, epoch, expires_at)
  VALUES ($1, $2, 1, clock_timestamp() + $3::bigint * interval '1 ms')
  ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, epoch = lease.epoch + 1,
    expires_at = clock_timestamp() + $3::bigint * interval '1 ms'
  WHERE lease.expires_at <= clock_timestamp() OR lease.holder = excluded.holder
  RETURNING epoch`;
/** Also when the term is over and nobody has taken it. Parameters: name, epoch, term in ms. */
const RENEW = `UPDATE leases SET expires_at = clock_timestamp() + $3::bigint * interval '1 ms'
  WHERE name = $1 AND epoch = $2 RETURNING epoch`;
/** The row stays, for its epoch. Parameters: name, epoch. */
const RELEASE = "UPDATE leases SET expires_at = '-infinity' WHERE name = $1 AND epoch = $2";

export class PostgresLease implements Lease, AsyncDisposable {
  readonly #parts: PostgresLeaseParts;
  readonly #settings: PostgresLeaseSettings;
  #held: Holding | undefined;
  /** Tries take turns: a second one by the same holder would end the epoch of the first. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(parts: PostgresLeaseParts, settings: PostgresLeaseSettings) {
    this.#parts = parts;
    this.#settings = settings;
  }

  async acquire({ signal }: { readonly signal: AbortSignal }): Promise<HeldLease> {
    for (;;) {
      const held = await this.#inTurn(async () => this.#shared(signal), signal);
      if (held !== undefined) return held;
      await this.#parts.clock.sleep(LOOK_EVERY_MS, { signal });
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
    const { name, holder } = this.#settings;
    const sentMs = this.#parts.clock.monotonicMs();
    const [row] = await this.#parts.database.commit(TAKE, [name, holder, TERM_MS], { signal });
    if (row === undefined) return undefined;
    return new Holding(this.#parts, { name, epoch: Number(row['epoch']), sentMs });
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

interface Term {
  readonly name: string;
  readonly epoch: number;
  /** When the lease was asked for, by the monotonic clock: its term began no earlier. */
  readonly sentMs: number;
}

/** One epoch of this process, for as many parts of it as hold the lease; renewed until the last of them lets go. */
class Holding {
  readonly #parts: PostgresLeaseParts;
  readonly #term: Term;
  readonly #lost = new AbortController();
  readonly #over = new AbortController();
  #holders = 0;
  #lettingGo: Promise<void> | undefined;
  #cancelEnd: () => void = () => undefined;

  constructor(parts: PostgresLeaseParts, term: Term) {
    this.#parts = parts;
    this.#term = term;
    this.#endsAfter(term.sentMs);
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
    const { name, epoch } = this.#term;
    const { database } = this.#parts;
    // One that cannot be released passes on when its term is over.
    await database.commit(RELEASE, [name, epoch], { signal: AbortSignal.timeout(MARGIN_MS) }).catch(() => undefined);
  }

  async #renew(signal: AbortSignal): Promise<void> {
    const { clock, database } = this.#parts;
    const { name, epoch } = this.#term;
    while (await slept(clock, RENEW_EVERY_MS, signal)) {
      const sentMs = clock.monotonicMs();
      // The store says by itself that it cannot be asked; the lease ends in time without an answer.
      const rows = await database.commit(RENEW, [name, epoch, TERM_MS], { signal }).catch(() => undefined);
      if (signal.aborted) return;
      if (rows?.length === 0) this.#lose();
      else if (rows !== undefined) this.#endsAfter(sentMs);
    }
  }

  #endsAfter(sentMs: number): void {
    this.#cancelEnd();
    const endMs = sentMs + TERM_MS - MARGIN_MS;
    this.#cancelEnd = this.#parts.clock.after(Math.max(0, endMs - this.#parts.clock.monotonicMs()), () => this.#lose());
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
