// The ledger of issuers as it is known here. What changes it here counts at once, what another process or server changed is
// seen at the next look. While it cannot be read, what was known stays.
import { AuthorityError } from '../../domain/errors.ts';
import type { IssuerLedger } from '../../domain/trust/issuer-ledger.ts';
import { every } from '../../live/every.ts';
import { Listeners } from '../../live/listeners.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { IssuerLedgers, RevisedLedger } from '../../ports/storage/issuer-ledgers.ts';
import type { OperationRecord } from '../../ports/storage/operation-journal.ts';

interface Waits {
  readonly signal: AbortSignal;
}

export interface LedgerChange {
  readonly ledger: IssuerLedger;
  readonly operation: OperationRecord;
}

/** So an act is in force everywhere within this time and that of one question. */
const LOOK_EVERY_MS = 2_000;
/** Of a start that cannot know whether its issuers may sign. */
const RETRY_MS = 500;
/** Each try in vain is another process's success. */
const MAX_TRIES = 100;

export interface FollowedLedgerParts {
  readonly ledgers: IssuerLedgers;
  readonly clock: Pick<Clock, 'sleep'>;
  /** Has the other processes of this server look, and waits for that; what it throws changes nothing. Absent, there are none. */
  readonly spread?: (options: Waits) => Promise<void>;
}

export class FollowedLedger {
  readonly #parts: FollowedLedgerParts;
  readonly #listeners = new Listeners();
  #known: RevisedLedger | undefined;
  #problem: string | undefined = 'the ledger of issuers is not read yet';

  constructor(parts: FollowedLedgerParts) {
    this.#parts = parts;
  }

  /**
   * Resolves when the ledger is known, however long that takes: an issuer that is withdrawn must sign nothing at a start
   * either. Then follows it until the signal aborts.
   * @throws AuthorityError CAP-X03 for what only an operator can mend; the signal's reason.
   */
  async start(options: Waits): Promise<void> {
    await this.look(options);
    while (this.#problem !== undefined) {
      await this.#parts.clock.sleep(RETRY_MS, options);
      await this.look(options);
    }
    void every(LOOK_EVERY_MS, this.#parts.clock, async () => this.look(options).catch(() => undefined), options);
  }

  /** @throws AuthorityError CAP-S04 before it is known. */
  current(): IssuerLedger {
    if (this.#known === undefined)
      throw new AuthorityError('CAP-S04', { detail: 'the ledger of issuers is not read yet' });
    return this.#known.ledger;
  }

  get known(): boolean {
    return this.#known !== undefined;
  }

  /** Why it cannot be read now; nothing when it can. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** After each change, also by others. */
  onChange(listener: () => void, options: Waits): void {
    this.#listeners.add(listener, options);
  }

  /** Looks now. @throws AuthorityError CAP-X03 as `start`; the signal's reason. */
  async look(options: Waits): Promise<void> {
    try {
      this.#take(await this.#parts.ledgers.read(options));
      this.#problem = undefined;
    } catch (error) {
      options.signal.throwIfAborted();
      this.#problem = error instanceof AuthorityError ? error.message : 'the ledger of issuers cannot be read';
      if (error instanceof AuthorityError && error.code === 'config_invalid') throw error;
    }
  }

  /**
   * Changes it in one step, with its record.
   * @param change is shown the ledger as it is, again after another process was faster. What it throws is thrown here, and
   *   nothing has changed then.
   * @throws AuthorityError `dependency_unavailable` (CAP-S04) when it could not be changed, or nobody knows.
   */
  async change<T extends LedgerChange>(change: (ledger: IssuerLedger) => T, options: Waits): Promise<T> {
    const { ledgers } = this.#parts;
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const { revision, ledger } = await ledgers.read(options);
      const next = change(ledger);
      if (!(await ledgers.replace(revision, next.ledger, next.operation, options))) continue;
      this.#take({ revision: revision + 1, ledger: next.ledger });
      // Whoever cannot be reached now looks by itself.
      await this.#parts.spread?.(options).catch(() => undefined);
      return next;
    }
    throw new AuthorityError('CAP-S04', { detail: 'the ledger of issuers is changed by other processes all the time' });
  }

  /** An answer that was under way while a newer one came is no news. */
  #take(read: RevisedLedger): void {
    if (this.#known !== undefined && read.revision <= this.#known.revision) return;
    this.#known = read;
    this.#listeners.notify();
  }
}
