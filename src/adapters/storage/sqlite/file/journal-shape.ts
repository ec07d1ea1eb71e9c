// What a journal of this version is made of, taken from the migrations themselves.
import { DatabaseSync } from 'node:sqlite';
import { MIGRATIONS } from './journal-schema.ts';

/** SQLite's own tables, such as those of ANALYZE, are nobody's business. */
const OBJECTS = `SELECT type || ' ' || name AS part FROM sqlite_schema WHERE name NOT LIKE 'sqlite_%'`;
const COLUMNS = `SELECT 'column ' || t.name || '.' || c.name AS part
  FROM sqlite_schema AS t, pragma_table_info(t.name) AS c WHERE t.type = 'table' AND t.name NOT LIKE 'sqlite_%'`;

/**
 * @returns what is wrong with an up-to-date journal's schema; nothing when it is as it should be. A trigger could
 *   make records vanish unseen, and is none of ours; a further index does no harm.
 */
export function shapeProblem(database: DatabaseSync): string | undefined {
  const found = partsOf(database);
  const missing = [...expectedParts()].find((part) => !found.has(part));
  if (missing !== undefined) return `has no ${missing}`;
  const trigger = [...found].find((part) => part.startsWith('trigger '));
  return trigger === undefined ? undefined : `has a ${trigger}, which Capstan did not make`;
}

function expectedParts(): ReadonlySet<string> {
  const model = new DatabaseSync(':memory:');
  try {
    for (const step of MIGRATIONS) model.exec(step);
    return partsOf(model);
  } finally {
    model.close();
  }
}

function partsOf(database: DatabaseSync): ReadonlySet<string> {
  const rows = [...database.prepare(OBJECTS).all(), ...database.prepare(COLUMNS).all()];
  return new Set(rows.map(({ part }) => String(part)));
}
