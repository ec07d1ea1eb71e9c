// Which entries are the first of their identity on their node, as SQL for SQLite and PostgreSQL. Every look is bounded: so many new
// entries, and for each a few rows of an index.
import type { NewPairsQuestion } from '../../../ports/inventory/inventory.ts';
import type { EntryQuestion } from './entry-questions.ts';
import { ENTRY_COLUMNS } from './entry-rows.ts';

/** New entries that one look goes through, and entries of an identity or node among which a known one is looked for. */
const MAX_NEW = 200;
const MAX_OF_ONE = 1_000;

const SELECTED = Object.entries(ENTRY_COLUMNS)
  .map(([field, column]) => `found.${column} AS "${field}"`)
  .join(', ');
const NEW = `SELECT * FROM inventory_entries WHERE id > ? ORDER BY id LIMIT ${MAX_NEW}`;

export interface PairQuestions {
  /** Absent where only the newest is asked for. */
  readonly pairs: EntryQuestion | undefined;
  /** One row, `upTo`: NULL where there is none. */
  readonly upTo: EntryQuestion;
  readonly newest: EntryQuestion;
}

/** @param naming as of a page. */
export function pairQuestions(
  { after, knownUntil }: NewPairsQuestion,
  naming: (index: string) => string,
): PairQuestions {
  const newest = { sql: 'SELECT max(id) AS "upTo" FROM inventory_entries', values: [] };
  if (after === undefined) return { pairs: undefined, upTo: newest, newest };
  const upTo = { sql: `SELECT max(id) AS "upTo" FROM (${NEW}) AS found`, values: [after] };
  if (knownUntil === 0) return { pairs: undefined, upTo, newest };
  // As an expression the cluster is found by no index: PostgreSQL would go through all of it where it has no statistics yet.
  const others = (index: string, condition: string): string =>
    `SELECT id FROM inventory_entries AS other${naming(index)} WHERE ${condition} AND other.cluster || '' = found.cluster`;
  const onNode = 'other.node_name = found.node_name';
  const onceThere = (index: string, state: string): string =>
    `NOT EXISTS (${others(index, `${onNode} AND other.identity = found.identity AND other.ended_ms IS ${state}`)} AND other.id < found.id)`;
  const known = (index: string, condition: string): string =>
    `EXISTS (SELECT 1 FROM (${others(index, condition)} LIMIT ${MAX_OF_ONE}) AS known WHERE known.id <= ?)`;
  // A closing that was read before its decision has made an entry of a pod of which nothing else is known.
  const sql = `SELECT ${SELECTED} FROM (${NEW}) AS found
    WHERE found.pod_uid <> '' AND found.node_name IS NOT NULL AND found.issued_ms > 0
      AND ${onceThere('inventory_live_by_node', 'NULL')} AND ${onceThere('inventory_ended_by_node', 'NOT NULL')}
      AND ${known('inventory_live_by_node', `${onNode} AND other.ended_ms IS NULL`)}
      AND ${known('inventory_once', 'other.identity = found.identity')}
    ORDER BY found.id`;
  return { pairs: { sql, values: [after, knownUntil, knownUntil] }, upTo, newest };
}
