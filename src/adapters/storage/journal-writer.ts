// What the journal's own thread does, synchronously: one transaction per batch. The file is opened
// by the first request and, when a handle proves unusable, again by the next one.
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { DecisionRecord } from '../../ports/issuance-journal.ts';
import type { RecordedIssuer } from '../../ports/issuer-records.ts';
import type { OperationRecord } from '../../ports/operation-journal.ts';
import { openForWriting } from './journal-file.ts';
import { demandSameFile, JournalPlace } from './journal-place.ts';
import { journalProblem } from './journal-problem.ts';
import {
  DELETE_BEFORE,
  FORGET_ISSUERS,
  INSERT,
  INSERT_OPERATION,
  KEEP_ISSUER,
  RETIRE_ISSUERS,
  SCHEMA_VERSION,
  toRow,
} from './journal-schema.ts';

export interface WriterSettings {
  readonly file: string;
  /** As if the disk ended after so many pages of 4 KiB; for tests. */
  readonly maxPages?: number;
  /** Device and inode of the journal, when it was open before; empty otherwise. */
  readonly inode?: string;
}

interface OpenJournal {
  readonly database: DatabaseSync;
  readonly place: JournalPlace;
  readonly insert: StatementSync;
  readonly deleteBefore: StatementSync;
}

/** Every method throws JournalProblem when the file or its place does not let it. */
export class JournalWriter {
  readonly #settings: WriterSettings;
  #journal: OpenJournal | undefined;
  #inode: string;

  constructor(settings: WriterSettings) {
    this.#settings = settings;
    this.#inode = settings.inode ?? '';
  }

  /** @param options.known whether there was a journal before: then a missing or empty file is a loss. */
  open({ known }: { readonly known: boolean } = { known: false }): void {
    this.#opened(known);
  }

  /** Device and inode of what is or was open; empty when nothing was. */
  get inode(): string {
    return this.#inode;
  }

  /** Returns when the files are the ones that were opened, as they were left. */
  look(): void {
    this.#opened().place.check();
  }

  /** Returns once all records are durable; when it throws, none is. */
  append(records: readonly DecisionRecord[]): void {
    this.#transaction(({ insert }) => {
      for (const record of records) insert.run(...toRow(record));
    });
  }

  /** Returns when the file and its disk take a write: the schema's version, as it is, is one. */
  probe(): void {
    this.#transaction(({ database }) => database.exec(`PRAGMA user_version = ${SCHEMA_VERSION}`));
  }

  /** Removes at most `limit` of the records older than `beforeMs`. @returns how many it removed. */
  deleteBefore(beforeMs: number, limit: number): number {
    return this.#transaction(({ deleteBefore }) => Number(deleteBefore.run(beforeMs, limit).changes));
  }

  /** Once for each start and each change of issuer, so nothing is prepared for it. */
  keepIssuer({ id, certificateDer, longestLeafMs, notAfterMs }: RecordedIssuer, nowMs: number): void {
    this.#transaction(({ database }) => {
      database.prepare(KEEP_ISSUER).run(id, certificateDer, longestLeafMs, notAfterMs);
      database.prepare(RETIRE_ISSUERS).run(nowMs, id);
      database.prepare(FORGET_ISSUERS).run(nowMs);
    });
  }

  /** Returns once it is durable. */
  recordOperation({ timeMs, operation, was, is }: OperationRecord): void {
    this.#transaction(({ database }) => database.prepare(INSERT_OPERATION).run(timeMs, operation, was, is));
  }

  close(): void {
    this.#journal?.database.close();
    this.#journal = undefined;
  }

  /** A handle that is opened again must find the same file. */
  #opened(known = false): OpenJournal {
    if (this.#journal !== undefined) return this.#journal;
    if (this.#inode !== '') demandSameFile(this.#settings.file, this.#inode);
    this.#journal = openJournal(this.#settings, known || this.#inode !== '');
    this.#inode = this.#journal.place.inode;
    return this.#journal;
  }

  #transaction<T>(work: (journal: OpenJournal) => T): T {
    const journal = this.#opened();
    const { database, place } = journal;
    place.check();
    try {
      database.exec('BEGIN IMMEDIATE');
      const result = work(journal);
      database.exec('COMMIT');
      place.note();
      return result;
    } catch (cause) {
      this.#abandon(journal);
      throw journalProblem(this.#settings.file, cause);
    }
  }

  /** Nothing of a failed batch may stay; a handle that cannot even roll back is not used again. */
  #abandon({ database, place }: OpenJournal): void {
    try {
      if (database.isTransaction) database.exec('ROLLBACK');
    } catch {
      this.close();
      return;
    }
    try {
      place.note();
    } catch {
      // The files are not ours any more, and whoever asks next hears it. The handle stays, so that they can be put back.
    }
  }
}

function openJournal({ file, maxPages }: WriterSettings, known: boolean): OpenJournal {
  const database = openForWriting(file, known);
  if (maxPages !== undefined) database.exec(`PRAGMA max_page_count = ${maxPages}`);
  const [insert, deleteBefore] = [database.prepare(INSERT), database.prepare(DELETE_BEFORE)];
  return { database, place: new JournalPlace(file), insert, deleteBefore };
}
