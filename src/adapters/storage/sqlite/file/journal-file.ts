// Opens the journal's SQLite file, old or new. Everything that can be wrong with it is found before
// anything is written, and each problem names the file.
import { accessSync, constants } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { codeOf } from '../../../../domain/text/system-error.ts';
import { unusable } from '../../schema-version.ts';
import { lockFileOf } from './journal-lock.ts';
import { journalProblem, JournalProblem } from './journal-problem.ts';
import {
  APPLICATION_ID,
  HAS_USABLE_FROM,
  INDEX_REFUSALS,
  KEEP_USABLE_FROM,
  MIGRATIONS,
  SCHEMA_VERSION,
  SELECT_SIZE,
  SELECT_USABLE_FROM,
} from './journal-schema.ts';
import { shapeProblem } from './journal-shape.ts';
import { createIfMissing, pragma } from './sqlite-file.ts';

/** How long a commit waits for another process that holds the file; the caller of an append waits with it. */
const BUSY_TIMEOUT_MS = 1_000;
/** Decisions that are gone through to index the refusals while a server starts, within a second or two. */
const QUICKLY_INDEXED = 1_000_000;
/** A WAL that grew during a long read is cut back to this at the next checkpoint. */
const WAL_LIMIT_BYTES = 64 * 1024 * 1024;
/** FULL: each commit waits for the WAL to be on disk (sqlite.org/pragma.html#pragma_synchronous). */
const DURABLE = `PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA journal_size_limit = ${WAL_LIMIT_BYTES}`;

/**
 * Opens the journal for writing. Readable by its owner alone: its records say who runs what where.
 * @param known whether there was one before: then a missing or empty file is a loss. Otherwise it is made.
 * @throws JournalProblem
 */
export function openForWriting(file: string, known: boolean): DatabaseSync {
  return opened(file, () => {
    if (!known) createIfMissing(file);
    demandAccess(file, constants.R_OK | constants.W_OK, known);
    return prepared(new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS }), (database) => {
      const version = schemaVersion(database, file);
      if (known && version === 0) throw lost(file, 'is empty');
      database.exec(DURABLE);
      if (version < SCHEMA_VERSION) migrate(database, file);
      const problem = shapeProblem(database);
      if (problem !== undefined) throw new JournalProblem('file', `the journal ${file} ${problem}; ${restoring(file)}`);
      indexIfQuick(database);
    });
  });
}

/** What an operator can do about a journal that is of no use. */
export function restoring(file: string): string {
  return `restore it, or move it and ${lockFileOf(file)} away to start a new one`;
}

/** A journal that is open for reading: as it is, not migrated. */
export interface ReadableJournal {
  readonly database: DatabaseSync;
  /** Of its schema; above SCHEMA_VERSION where a newer Capstan has only added to it. */
  readonly version: number;
}

/**
 * Opens the journal for reading, whether or not a server is writing it.
 * @throws JournalProblem, also when there is no such file.
 */
export function openForReading(file: string, busyTimeoutMs: number = BUSY_TIMEOUT_MS): ReadableJournal {
  let version = 0;
  const database = opened(file, () => {
    demandAccess(file, constants.R_OK, false);
    return prepared(new DatabaseSync(file, { readOnly: true, timeout: busyTimeoutMs }), (fresh) => {
      version = schemaVersion(fresh, file);
      if (version === 0) throw notAJournal(file);
    });
  });
  return { database, version };
}

/**
 * Without opening it: to close a handle of a file drops every lock that this process has on it (fcntl(2)), and with
 * SQLite's lock gone another program may take the journal's WAL away (sqlite.org/howtocorrupt.html, section 2.2).
 */
function demandAccess(file: string, mode: number, known: boolean): void {
  try {
    accessSync(file, mode);
  } catch (cause) {
    if (known && codeOf(cause) === 'ENOENT') throw lost(file, 'is missing');
    throw cause;
  }
}

function lost(file: string, how: string): JournalProblem {
  const lock = lockFileOf(file);
  const what = `the journal ${file} ${how}, and ${lock} knows of one with records`;
  return new JournalProblem('file', `${what}; restore it, or remove ${lock} to start a new one`);
}

function opened(file: string, open: () => DatabaseSync): DatabaseSync {
  try {
    return open();
  } catch (cause) {
    throw journalProblem(file, cause);
  }
}

function prepared(database: DatabaseSync, prepare: (database: DatabaseSync) => void): DatabaseSync {
  try {
    prepare(database);
    return database;
  } catch (cause) {
    database.close();
    throw cause;
  }
}

/** @returns the version of the file's schema; 0 for a file with nothing in it yet. */
function schemaVersion(database: DatabaseSync, file: string): number {
  const version = pragma(database, 'user_version');
  if (pragma(database, 'application_id') !== APPLICATION_ID && !isBlank(database)) throw notAJournal(file);
  const problem = unusable({ version, usableFrom: usableFrom(database, version) }, SCHEMA_VERSION);
  if (problem !== undefined) throw new JournalProblem('file', `the journal ${file} ${problem}`);
  return version;
}

/** @returns the oldest version of Capstan's schema that may use it; its own where it says nothing else. */
function usableFrom(database: DatabaseSync, version: number): number {
  if (database.prepare(HAS_USABLE_FROM).get() === undefined) return version;
  return Number(database.prepare(SELECT_USABLE_FROM).get()?.['usableFrom'] ?? version);
}

/** A start that was killed before the first table leaves such a file; so does nobody else. */
function isBlank(database: DatabaseSync): boolean {
  return database.prepare('SELECT 1 FROM sqlite_schema LIMIT 1').get() === undefined;
}

/** All steps or none. Another process may have been first: the version is read again under the lock. */
function migrate(database: DatabaseSync, file: string): void {
  database.exec('BEGIN IMMEDIATE');
  try {
    const steps = MIGRATIONS.slice(pragma(database, 'user_version'));
    for (const step of steps) database.exec(step);
    if (steps.length > 0)
      database.exec(
        `${KEEP_USABLE_FROM}; PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${SCHEMA_VERSION}`,
      );
    database.exec('COMMIT');
  } catch (cause) {
    if (database.isTransaction) database.exec('ROLLBACK');
    throw journalProblem(file, cause);
  }
}

/** A journal of before this index gets it, unless so large that the start would wait for it. */
function indexIfQuick(database: DatabaseSync): void {
  const size = Number(database.prepare(SELECT_SIZE).get()?.['size']);
  if (size <= QUICKLY_INDEXED) database.exec(INDEX_REFUSALS);
}

function notAJournal(file: string): JournalProblem {
  return new JournalProblem('file', `${file} is a database, but not an issuance journal of Capstan`);
}
