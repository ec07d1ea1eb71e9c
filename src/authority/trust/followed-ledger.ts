// A ledger of what operators decided, as it is known here. What changes it here counts at once, what another process or server changed is
// seen at the next look. While it cannot be read, what was known stays.
import { AuthorityError } from '../../domain/errors.ts';
import { every } from '../../live/every.ts';
import { Listeners } from '../../live/listeners.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import { isSameRevision, UNCHANGED, type Ledgers, type Revised, type Revision } from '../../ports/storage/ledgers.ts';
import type { OperationRecord } from '../../ports/storage/operation-journal.ts';

interface Waits {
  readonly signal: AbortSignal;
}

export interface LedgerChange<L> {
  readonly ledger: L;
  readonly operation: OperationRecord;
}

/** So an act is in force everywhere within this time and that of one question. */
const LOOK_EVERY_MS = 2_000;
/** Of a start that cannot know what is forbidden. */
const RETRY_MS = 500;
/** Each try in vain is another process's success. */
const MAX_TRIES = 100;

export interface FollowedLedgerParts<L> {
  readonly ledgers: Ledgers<L>;
  readonly clock: Pick<Clock, 'sleep'>;
  /** Has the other processes of this server look, and waits for that; what it throws changes nothing. Absent, there are none. */
  readonly spread?: (options: Waits) => Promise<void>;
}

export class FollowedLedger<L> {
  readonly #parts: FollowedLedgerParts<L>;
  readonly #name: string;
  readonly #listeners = new Listeners();
  #known: Revised<L> | undefined;
  #problem: string | undefined;

  /** @param settings.name what an operator calls it. */
  constructor(parts: FollowedLedgerParts<L>, settings: { readonly name: string }) {
    this.#parts = parts;
    this.#name = settings.name;
    this.#problem = `${settings.name} is not read yet`;
  }

  /**
   * Resolves when the ledger is known, however long that takes: what is forbidden is so at a start too. Then follows it until the signal aborts.
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
  current(): L {
    if (this.#known === undefined) throw new AuthorityError('CAP-S04', { detail: `${this.#name} is not read yet` });
    return this.#known.ledger;
  }

  /** Of what is known. */
  get revision(): Revision {
    return this.#known?.revision ?? UNCHANGED;
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
      // What came while it looked may be newer than what it saw, and each turn in vain is such a change.
      for (let seen = false; !seen;) seen = await this.#see(options);
      this.#problem = undefined;
    } catch (error) {
      options.signal.throwIfAborted();
      this.#problem = error instanceof AuthorityError ? error.message : `${this.#name} cannot be read`;
      if (error instanceof AuthorityError && error.code === 'config_invalid') throw error;
    }
  }

  /**
   * Changes it in one step, with its record.
   * @param change is shown the ledger as it is, again after another process was faster. What it throws is thrown here, and
   *   nothing has changed then.
   * @throws AuthorityError CAP-S04 when it could not be changed, CAP-O06 when nobody knows whether it was.
   */
  async change<T extends LedgerChange<L>>(change: (ledger: L) => T, options: Waits): Promise<T> {
    const { ledgers } = this.#parts;
    for (let tries = 0; tries < MAX_TRIES; tries += 1) {
      const before = this.#known;
      const { revision, ledger } = await ledgers.read(options);
      const next = change(ledger);
      const written = await ledgers.replace(revision, next.ledger, next.operation, options);
      if (written === undefined) continue;
      const isNews = this.#known === before || written.number >= (this.#known?.revision.number ?? 0);
      if (isNews) this.#take({ revision: written, ledger: next.ledger });
      // Whoever cannot be reached now looks by itself.
      await this.#parts.spread?.(options).catch(() => undefined);
      return next;
    }
    throw new AuthorityError('CAP-S04', { detail: `${this.#name} is changed by other processes all the time` });
  }

  /**
   * A revision may be lower than the known one, or the same with another ledger: of a database that lost its last moments, or was
   * put back. What it has is what counts for all, and what is decided next.
   * @returns false when something else came meanwhile.
   */
  async #see(options: Waits): Promise<boolean> {
    const { ledgers } = this.#parts;
    const before = this.#known;
    const revision = await ledgers.revision(options);
    const isKnown = before !== undefined && isSameRevision(revision, before.revision);
    const read = isKnown ? before : await ledgers.read(options);
    if (this.#known !== before) return false;
    if (read !== before) this.#take(read);
    return true;
  }

  #take(read: Revised<L>): void {
    this.#known = read;
    this.#listeners.notify();
  }
}
