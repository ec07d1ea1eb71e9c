// What the journal's own thread does, synchronously: one transaction per batch. The file is opened
// by the first request and, when a handle proves unusable, again by the next one.
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import type { DecisionRecord } from '../../ports/issuance-journal.ts';
import type { RecordedIssuer } from '../../ports/issuer-records.ts';
import { openForWriting } from './journal-file.ts';
import { journalProblem } from './journal-problem.ts';
import {
  DELETE_BEFORE,
  FORGET_ISSUERS,
  INSERT,
  KEEP_ISSUER,
  RETIRE_ISSUERS,
  SCHEMA_VERSION,
  toRow,
} from './journal-schema.ts';

export interface WriterSettings {
  readonly file: string;
  /** As if the disk ended after so many pages of 4 KiB; for tests. */
  readonly maxPages?: number;
}

interface OpenJournal {
  readonly database: DatabaseSync;
  readonly insert: StatementSync;
  readonly deleteBefore: StatementSync;
}

/** Every method throws JournalProblem when the file or its place does not let it. */
export class JournalWriter {
  readonly #settings: WriterSettings;
  #journal: OpenJournal | undefined;

  constructor(settings: WriterSettings) {
    this.#settings = settings;
  }

  open(): void {
    this.#opened();
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

  close(): void {
    this.#journal?.database.close();
    this.#journal = undefined;
  }

  #opened(): OpenJournal {
    return (this.#journal ??= openJournal(this.#settings));
  }

  #transaction<T>(work: (journal: OpenJournal) => T): T {
    const journal = this.#opened();
    try {
      journal.database.exec('BEGIN IMMEDIATE');
      const result = work(journal);
      journal.database.exec('COMMIT');
      return result;
    } catch (cause) {
      this.#abandon(journal.database);
      throw journalProblem(this.#settings.file, cause);
    }
  }

  /** Nothing of a failed batch may stay; a handle that cannot even roll back is not used again. */
  #abandon(database: DatabaseSync): void {
    try {
      if (database.isTransaction) database.exec('ROLLBACK');
    } catch {
      this.close();
    }
  }
}

function openJournal({ file, maxPages }: WriterSettings): OpenJournal {
  const database = openForWriting(file);
  if (maxPages !== undefined) database.exec(`PRAGMA max_page_count = ${maxPages}`);
  return { database, insert: database.prepare(INSERT), deleteBefore: database.prepare(DELETE_BEFORE) };
}
