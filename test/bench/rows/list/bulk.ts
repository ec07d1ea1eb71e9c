// Many rows at once, made by a database itself, in which SQLite and PostgreSQL differ, and their indexes made afterwards, in a
// fraction of the time.
import { DatabaseSync } from 'node:sqlite';
import type { PostgresCluster } from '../../../support/postgres/cluster.ts';

export interface Dialect {
  /** Rows with one column `i`, from 0. */
  readonly numbers: (count: number) => string;
  readonly integer: string;
  /** Hex of a number, with leading zeros. */
  readonly hex: (number: string, digits: number) => string;
}

export const SQLITE: Dialect = {
  numbers: (count) =>
    `(WITH RECURSIVE n(i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < ${count - 1}) SELECT i FROM n)`,
  integer: 'INTEGER',
  hex: (number, digits) => `printf('%0${digits}x', ${number})`,
};
export const POSTGRES: Dialect = {
  numbers: (count) => `(SELECT generate_series(0, ${count - 1}) AS i)`,
  integer: 'bigint',
  hex: (number, digits) => `lpad(to_hex(${number}), ${digits}, '0')`,
};

/** @param file of a store that nobody has open. @param inserts statements. */
export function fillSqlite(file: string, inserts: readonly string[]): void {
  // To a defensive one OFF means nothing (sqlite.org/pragma.html#pragma_journal_mode).
  using database = new DatabaseSync(file, { defensive: false });
  database.exec('PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -400000');
  const indexes = database
    .prepare("SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL")
    .all();
  for (const { name } of indexes) database.exec(`DROP INDEX ${String(name)}`);
  for (const insert of inserts) database.exec(insert);
  for (const { sql } of indexes) database.exec(String(sql));
  database.exec('PRAGMA journal_mode = WAL');
}

/** @param tables that are filled; their keys stay, and their statistics are made as a server makes them in time. */
export async function fillPostgres(
  cluster: PostgresCluster,
  tables: readonly string[],
  inserts: readonly string[],
): Promise<void> {
  const those = tables.map((table) => `'${table}'`).join(', ');
  const indexes = await cluster.query(`SELECT indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
    AND tablename IN (${those}) AND indexname NOT IN (SELECT conname FROM pg_constraint)`);
  for (const [name] of indexes) await cluster.query(`DROP INDEX ${name}`);
  for (const insert of inserts) await cluster.query(insert);
  for (const [, definition] of indexes) await cluster.query(definition ?? '');
  for (const table of tables) await cluster.query(`VACUUM ANALYZE ${table}`);
}
