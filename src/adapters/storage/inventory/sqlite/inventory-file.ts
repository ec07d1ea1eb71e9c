// The file of the inventory beside a store of SQLite journals, `<journal>.inventory`. Everything in it comes out of the journals: one
// that is of another version or damaged is removed and made again.
import { existsSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { createIfMissing, pragma } from '../../sqlite/file/sqlite-file.ts';
import { entryTables, INDEX_ENDED_BY_NODE, INDEX_POD_UIDS, reportedTable } from '../entry-statements.ts';

/** Marks the file as ours ("CAPI"). */
const APPLICATION_ID = 0x43415049;
/** Whoever changes a table, or what is put into one, raises it. */
const VERSION = 5;
const BUSY_TIMEOUT_MS = 1_000;
const CACHE_KIB = 16 * 1024;
/** A checkpoint waits for the disk, on which the journal is too: one for some thousand renewals. */
const CHECKPOINT_PAGES = 16_384;
const WAL_LIMIT_BYTES = 64 * 1024 * 1024;
const READING = `PRAGMA cache_size = -${CACHE_KIB}; PRAGMA trusted_schema = OFF`;
/** NORMAL: commits do not wait for the disk; a power cut may take the last of them, which are read again (sqlite.org/wal.html). */
const SETTINGS = `PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL; ${READING};
  PRAGMA wal_autocheckpoint = ${CHECKPOINT_PAGES};
  PRAGMA journal_size_limit = ${WAL_LIMIT_BYTES}`;

/** How far each journal is read, and as of when all of it was. */
const PROGRESS = `
  CREATE TABLE places (journal TEXT NOT NULL, source TEXT NOT NULL, id INTEGER NOT NULL, mark TEXT NOT NULL,
    PRIMARY KEY (journal, source)) STRICT;
  CREATE TABLE progress (one INTEGER PRIMARY KEY CHECK (one = 1), as_of_ms INTEGER) STRICT;`;
const TYPES = {
  id: 'INTEGER PRIMARY KEY',
  text: 'TEXT',
  number: 'INTEGER',
  options: ' STRICT',
  keyed: ' STRICT, WITHOUT ROWID',
};
const TABLES = `${entryTables(TYPES)}${INDEX_POD_UIDS}${INDEX_ENDED_BY_NODE}${reportedTable(TYPES)}`;

export const SELECT_PROGRESS = 'SELECT as_of_ms AS asOfMs FROM progress';
/** The words with which SQLite is told which index a question is answered by. */
export const NAMING = (index: string): string => ` INDEXED BY ${index}`;

/** @param file the store's. */
export function inventoryFileOf(file: string): string {
  return `${file}.inventory`;
}

/** @param file of the inventory; one that is of no use is made anew. Readable by its owner alone, as the journal. */
export function openInventory(file: string): DatabaseSync {
  const kept = existing(file);
  if (kept !== undefined) return kept;
  removeInventory(file);
  createIfMissing(file);
  const database = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS });
  try {
    database.exec(`${SETTINGS}; BEGIN IMMEDIATE; ${TABLES} ${PROGRESS}
      PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${VERSION}; COMMIT`);
    return database;
  } catch (cause) {
    database.close();
    throw cause;
  }
}

/** With what SQLite keeps beside it. */
export function removeInventory(file: string): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(file + suffix, { force: true });
}

/** @returns nothing while whoever keeps it has not made it. */
export function openToRead(file: string): DatabaseSync | undefined {
  if (!existsSync(file)) return undefined;
  const database = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS, readOnly: true });
  if (isOurs(database, READING)) return database;
  database.close();
  return undefined;
}

function existing(file: string): DatabaseSync | undefined {
  createIfMissing(file);
  const database = new DatabaseSync(file, { timeout: BUSY_TIMEOUT_MS });
  if (isOurs(database, SETTINGS)) return database;
  database.close();
  return undefined;
}

/** What is no database, or damaged, or of another version is made again. @param settings that it takes then. */
function isOurs(database: DatabaseSync, settings: string): boolean {
  try {
    if (pragma(database, 'application_id') !== APPLICATION_ID) return false;
    if (pragma(database, 'user_version') !== VERSION) return false;
    database.exec(settings);
    return true;
  } catch {
    return false;
  }
}
