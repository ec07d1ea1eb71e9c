// The journals of a store that no process writes any more, since there are fewer processes than there were. What is in
// them is still read; here old records leave them, under their own locks.
import { existsSync } from 'node:fs';
import { planSlots } from '../../adapters/storage/slots/journal-slots.ts';
import { JournalLock } from '../../adapters/storage/sqlite/file/journal-lock.ts';
import { JournalProblem } from '../../adapters/storage/sqlite/file/journal-problem.ts';
import { SqliteJournal, type JournalParts } from '../../adapters/storage/sqlite/sqlite-journal.ts';
import { keepRetention } from '../../authority/chores/journal-retention.ts';

export interface LeftJournalsSettings {
  /** The store's. */
  readonly file: string;
  /** How many write the store's journals; 1 for the single process, which has `file` open itself. */
  readonly processes: number;
  readonly retentionMs: number;
}

/** Of the process that is responsible for the store: a single one, or the supervisor, which keeps others out. */
export class LeftJournals implements AsyncDisposable {
  readonly #parts: JournalParts;
  readonly #settings: LeftJournalsSettings;
  readonly #journals: SqliteJournal[] = [];
  /** Of a store whose own file has no records. */
  #lock: JournalLock | undefined;

  constructor(parts: JournalParts, settings: LeftJournalsSettings) {
    this.#parts = parts;
    this.#settings = settings;
  }

  /**
   * Notes which journals are written from now on, and opens the others. The single process has opened its own before.
   * @param options.signal ends the starting.
   * @param options.running ends the retention.
   * @throws AuthorityError CAP-X03 naming what is wrong: another server has the store, or a journal of it is lost.
   */
  async start(options: { readonly signal: AbortSignal; readonly running: AbortSignal }): Promise<void> {
    const { file, processes } = this.#settings;
    if (processes > 1) await this.#hold(file, options);
    for (const journal of this.#plan()) if (journal !== file) await this.#open(journal, options);
  }

  /** Why old records of one of them cannot leave now; nothing when they can. */
  get problem(): string | undefined {
    return this.#journals.map(({ problem }) => problem).find((problem) => problem !== undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#journals.splice(0).map(async (journal) => journal[Symbol.asyncDispose]()));
    this.#lock?.[Symbol.dispose]();
    this.#lock = undefined;
  }

  /** The lock of the store's own file stands for the whole store, whether or not there are records in that file. */
  async #hold(file: string, options: Parameters<LeftJournals['start']>[0]): Promise<void> {
    const lock = opening(() => JournalLock.take(file));
    if (lock.found === 'none' && !existsSync(file)) {
      this.#lock = lock;
      return;
    }
    lock[Symbol.dispose]();
    await this.#open(file, options);
  }

  #plan(): readonly string[] {
    const { file, processes } = this.#settings;
    return opening(() => planSlots(file, processes, this.#lock === undefined)).left;
  }

  async #open(file: string, { signal, running }: Parameters<LeftJournals['start']>[0]): Promise<void> {
    const { clock, events } = this.#parts;
    const journal = new SqliteJournal(this.#parts, { file });
    this.#journals.push(journal);
    await journal.start({ signal });
    // Nobody signs into it any more: its last leaves are over before long, and so are its issuers.
    await journal.keepIssuers([], { signal });
    const retaining = { journal, lease: journal, clock, events };
    void keepRetention(retaining, { retentionMs: this.#settings.retentionMs }, { signal: running });
  }
}

function opening<T>(open: () => T): T {
  try {
    return open();
  } catch (cause) {
    throw cause instanceof JournalProblem ? cause.toOpeningError() : cause;
  }
}
