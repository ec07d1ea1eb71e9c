// One journal that nobody writes any more: open while old records leave it, and closed for the rest of the day.
import type { JournalLock } from '../../../adapters/storage/sqlite/file/journal-lock.ts';
import { SqliteJournal, type JournalParts } from '../../../adapters/storage/sqlite/sqlite-journal.ts';
import type { JournalRetention } from '../../../ports/storage/journal-retention.ts';
import type { HeldLease, Lease } from '../../../ports/storage/lease.ts';

interface Waits {
  readonly signal: AbortSignal;
}

export interface LeftJournalSettings {
  readonly file: string;
  /** That of the journal, where it is held for as long as the server runs: then the journal stays open. */
  readonly lock: JournalLock | undefined;
  /** Aborts when the server stops. */
  readonly running: AbortSignal;
}

/** The store's lock keeps other servers out also while it is closed. */
export class LeftJournal implements JournalRetention, Lease, AsyncDisposable {
  readonly #parts: JournalParts;
  readonly #settings: LeftJournalSettings;
  /** Settles when it is open; nothing while it is closed. */
  #journal: Promise<SqliteJournal> | undefined;
  #problem: string | undefined;

  constructor(parts: JournalParts, settings: LeftJournalSettings) {
    this.#parts = parts;
    this.#settings = settings;
  }

  /** Why old records could not leave; nothing when they could. */
  get problem(): string | undefined {
    return this.#problem;
  }

  /** @throws AuthorityError as SqliteJournal.start. */
  async start(options: Waits): Promise<void> {
    const journal = await this.#opened(options);
    // Nobody signs into it any more: its last leaves are over before long, and so are its issuers.
    await journal.keepIssuers([], options);
  }

  /** The store's lock is the lease. */
  async acquire({ signal }: Waits): Promise<HeldLease> {
    signal.throwIfAborted();
    return { epoch: 0, lost: this.#settings.running, release: () => Promise.resolve() };
  }

  async deleteBefore(beforeMs: number, limit: number, { signal }: Waits): Promise<number> {
    try {
      const journal = await this.#opened({ signal });
      const { epoch } = await journal.acquire({ signal });
      const deleted = await journal.deleteBefore(beforeMs, limit, { epoch, signal });
      this.#problem = undefined;
      if (deleted < limit) await this.#close(journal);
      return deleted;
    } catch (cause) {
      signal.throwIfAborted();
      this.#problem = cause instanceof Error ? cause.message : 'failed';
      throw cause;
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const opening = this.#journal;
    this.#journal = undefined;
    // One that cannot be opened has nothing to close.
    const journal = await opening?.catch(() => undefined);
    await journal?.[Symbol.asyncDispose]();
  }

  /** A check that is under way is not given up. */
  async #close({ checking }: SqliteJournal): Promise<void> {
    if (this.#settings.lock === undefined && checking === undefined) await this[Symbol.asyncDispose]();
  }

  async #opened(options: Waits): Promise<SqliteJournal> {
    this.#journal ??= this.#open(options).catch((cause: unknown) => {
      this.#journal = undefined;
      throw cause;
    });
    return this.#journal;
  }

  async #open({ signal }: Waits): Promise<SqliteJournal> {
    const { file, lock } = this.#settings;
    const journal = new SqliteJournal(this.#parts, { file });
    await journal.start({ signal, ...(lock !== undefined && { lock }) });
    return journal;
  }
}
