// The journal's tables and how records become rows. Both the writing thread and readers use it.
import type { DatabaseSync } from 'node:sqlite';
import type { DecisionRecord } from '../../ports/issuance-journal.ts';

/** Version of the schema, in SQLite's own `user_version`. */
export const SCHEMA_VERSION = 1;

/** Columns in the order in which they are bound; each is a field of the record, by name. */
export const COLUMNS = [
  'decisionId',
  'timeMs',
  'surface',
  'outcome',
  'remoteAddress',
  'caller',
  'provenBy',
  'evidence',
  'podName',
  'podUid',
  'nodeName',
  'policyRevision',
  'identity',
  'serial',
  'issuer',
  'notBeforeMs',
  'notAfterMs',
  'keyType',
  'reason',
  'message',
] as const;

export type Cell = string | number | null;

export const INSERT = `INSERT INTO decision (${COLUMNS.join(', ')}) VALUES (${COLUMNS.map(() => '?').join(', ')})`;

const CREATE = `
CREATE TABLE decision (
  id INTEGER PRIMARY KEY,
  decisionId TEXT NOT NULL UNIQUE, timeMs INTEGER NOT NULL, surface TEXT NOT NULL, outcome TEXT NOT NULL,
  remoteAddress TEXT NOT NULL, caller TEXT, provenBy TEXT, evidence TEXT, podName TEXT, podUid TEXT, nodeName TEXT,
  policyRevision TEXT, identity TEXT, serial TEXT, issuer TEXT, notBeforeMs INTEGER, notAfterMs INTEGER, keyType TEXT,
  reason TEXT, message TEXT
) STRICT;
CREATE INDEX decision_time ON decision (timeMs);
CREATE INDEX decision_identity ON decision (identity, timeMs);
PRAGMA user_version = ${SCHEMA_VERSION};
`;

/** Creates the tables in an empty file. @throws Error when the file is of another version. */
export function migrate(database: DatabaseSync): void {
  const version = schemaVersion(database);
  if (version === SCHEMA_VERSION) return;
  if (version !== 0) throw new Error(`has schema version ${version}; this program knows ${SCHEMA_VERSION}`);
  database.exec(`BEGIN IMMEDIATE;${CREATE}COMMIT;`);
}

export function schemaVersion(database: DatabaseSync): number {
  return Number(database.prepare('PRAGMA user_version').get()?.['user_version'] ?? 0);
}

export function toRow(record: DecisionRecord): Cell[] {
  const fields = record as unknown as Readonly<Record<string, Cell | undefined>>;
  return COLUMNS.map((column) => fields[column] ?? null);
}

/** Rows were written from records by `toRow`, and by nothing else. */
export function fromRow(row: Readonly<Record<string, unknown>>): DecisionRecord {
  const fields = COLUMNS.map((column) => [column, row[column]] as const).filter(([, value]) => value !== null);
  return Object.fromEntries(fields) as unknown as DecisionRecord;
}
