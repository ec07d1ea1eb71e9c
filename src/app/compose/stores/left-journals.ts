// The journals of a store that no process writes any more, since there are fewer processes than there were. What is in
// them is still read; here old records leave them, under their own locks.
import { existsSync } from 'node:fs';
import { planSlots } from '../../../adapters/storage/slots/journal-slots.ts';
import type { JournalLock } from '../../../adapters/storage/sqlite/file/journal-lock.ts';
import { JournalProblem } from '../../../adapters/storage/sqlite/file/journal-problem.ts';
import type { JournalParts } from '../../../adapters/storage/sqlite/sqlite-journal.ts';
import { keepRetention } from '../../../authority/chores/journal-retention.ts';
import { LeftJournal } from './left-journal.ts';

export interface LeftJournalsSettings {
  /** The store's. */
  readonly file: string;
  /** How many write the store's journals; 1 for the single process, which has `file` open itself. */
  readonly processes: number;
  readonly retentionMs: number;
}

interface StartOptions {
  readonly signal: AbortSignal;
  readonly running: AbortSignal;
  readonly lock?: JournalLock;
}

/** Of the process that is responsible for the store: a single one, or the supervisor, which keeps others out. */
export class LeftJournals implements AsyncDisposable {
  readonly #parts: JournalParts;
  readonly #settings: LeftJournalsSettings;
  readonly #journals: LeftJournal[] = [];
  /** Of `file`, where it has no records. */
  #lock: JournalLock | undefined;

  constructor(parts: JournalParts, settings: LeftJournalsSettings) {
    this.#parts = parts;
    this.#settings = settings;
  }

  /**
   * Notes which journals are written from now on, and opens the others.
   * @param options.signal ends the starting.
   * @param options.running ends the retention.
   * @param options.lock that of `file`, which stands for the whole store; given back with the journals. Absent for the
   *   single process, which has opened `file` itself.
   * @throws AuthorityError CAP-X03 naming what is wrong with the list or with one of the journals.
   */
  async start(options: StartOptions): Promise<void> {
    const { file, processes, retentionMs } = this.#settings;
    const { lock, ...waits } = options;
    this.#lock = lock;
    const begun = lock === undefined || lock.found !== 'none' || existsSync(file);
    for (const journal of plan(file, processes, begun)) {
      const own = journal === file ? this.#lock : undefined;
      // The journal has it from now on.
      if (own !== undefined) this.#lock = undefined;
      await this.#open(journal, { ...waits, ...(own !== undefined && { lock: own }) }, retentionMs);
    }
  }

  /** Why old records of one of them could not leave; nothing when they could. */
  get problem(): string | undefined {
    return this.#journals.map(({ problem }) => problem).find((problem) => problem !== undefined);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#journals.splice(0).map(async (journal) => journal[Symbol.asyncDispose]()));
    this.#lock?.[Symbol.dispose]();
    this.#lock = undefined;
  }

  async #open(file: string, { signal, running, lock }: StartOptions, retentionMs: number): Promise<void> {
    const { clock, events } = this.#parts;
    const journal = new LeftJournal(this.#parts, { file, lock, running });
    this.#journals.push(journal);
    await journal.start({ signal });
    const retaining = { journal, lease: journal, clock, events };
    void keepRetention(retaining, { retentionMs }, { signal: running });
  }
}

/** @returns the journals that are left. */
function plan(file: string, processes: number, begun: boolean): readonly string[] {
  try {
    return planSlots(file, processes, begun).left;
  } catch (cause) {
    throw cause instanceof JournalProblem ? cause.toOpeningError() : cause;
  }
}
