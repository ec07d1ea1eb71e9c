// Reads a journal file, also while a server is writing it.
import { existsSync } from 'node:fs';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { AuthorityError } from '../../domain/errors.ts';
import type { DecisionRecord, IssuanceJournalReader, JournalQuery } from '../../ports/issuance-journal.ts';
import { fromRow, SCHEMA_VERSION, schemaVersion } from './journal-schema.ts';

/** @throws AuthorityError CAP-X03 naming the file when it is not a journal of a known version. */
export function openJournalReader(file: string): IssuanceJournalReader & Disposable {
  const database = openReadOnly(file);
  return {
    list: (query) => list(database, query),
    [Symbol.dispose]: () => database.close(),
  };
}

function openReadOnly(file: string): DatabaseSync {
  if (!existsSync(file)) throw new AuthorityError('CAP-X03', { detail: `journal ${file} does not exist` });
  try {
    const database = new DatabaseSync(file, { readOnly: true, timeout: 1_000 });
    const version = schemaVersion(database);
    if (version !== SCHEMA_VERSION)
      throw new Error(`has schema version ${version}; this program knows ${SCHEMA_VERSION}`);
    return database;
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : 'cannot be opened';
    throw new AuthorityError('CAP-X03', { detail: `journal ${file} ${why}`, cause });
  }
}

function list(database: DatabaseSync, query: JournalQuery): readonly DecisionRecord[] {
  const conditions: readonly (readonly [sql: string, value: SQLInputValue | undefined])[] = [
    ['outcome = ?', query.outcome],
    ['decisionId = ?', query.decisionId],
    ['identity = ?', query.identity],
    ['timeMs >= ?', query.sinceMs],
  ];
  const given = conditions.filter((condition): condition is [string, SQLInputValue] => condition[1] !== undefined);
  const where = given.length === 0 ? '' : `WHERE ${given.map(([sql]) => sql).join(' AND ')}`;
  const statement = database.prepare(`SELECT * FROM decision ${where} ORDER BY timeMs DESC, id DESC LIMIT ?`);
  return statement.all(...given.map(([, value]) => value), query.limit).map(fromRow);
}
