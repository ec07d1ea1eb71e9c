// When the certificates of the inventory end, counted by SQLite or PostgreSQL.
import type { EndsQuestion } from '../../../ports/inventory/inventory.ts';
import type { Row } from '../records.ts';
import type { EntryQuestion } from './entry-questions.ts';

/** Of `EndsQuestion`, the ends up to a moment; absent, all. The next part is asked as if that were `nowMs`. */
export interface EndsPart {
  readonly counts: readonly number[];
  readonly upToMs?: number;
}

/** Counted at once where others wait for the same thread: ten milliseconds. */
const PART = 50_000;

/** Up to which moment a part goes, as `upToMs`; no row where it is the last. @param naming as of `pageQuestion`. */
export function endOfPart({ nowMs }: EndsQuestion, naming: (index: string) => string): EntryQuestion {
  return {
    sql: `SELECT not_after_ms AS "upToMs" FROM inventory_entries${naming(INDEX)} WHERE ${LATER}
      ORDER BY not_after_ms LIMIT 1 OFFSET ${PART - 1}`,
    values: [nowMs],
  };
}

const INDEX = 'inventory_live_by_end';
const LATER = 'ended_ms IS NULL AND not_after_ms > ?';

/**
 * One row for each step in which a certificate ends, as `step` and `count`: out of the index of ends alone, where a database has it at
 * hand. @param naming as of `pageQuestion`. @param upToMs the last moment that counts; absent, all do.
 */
export function endsQuestion(
  { nowMs, fromMs, stepMs, steps }: EndsQuestion,
  naming: (index: string) => string,
  upToMs?: number,
): EntryQuestion {
  // Whole numbers, whatever a driver makes of a parameter: what is divided is.
  const step = `(not_after_ms - ${whole(fromMs)}) / ${whole(stepMs)}`;
  return {
    sql: `SELECT CASE WHEN ${step} < ${whole(steps)} THEN ${step} ELSE ${whole(steps)} END AS step, count(*) AS count
      FROM inventory_entries${naming(INDEX)} WHERE ${LATER}${upToMs === undefined ? '' : ' AND not_after_ms <= ?'} GROUP BY 1`,
    values: upToMs === undefined ? [nowMs] : [nowMs, upToMs],
  };
}

/** @param rows as `endsQuestion` has them. */
export function endsFrom(rows: readonly Row[], { steps }: EndsQuestion): readonly number[] {
  const counts = new Map(rows.map(({ step, count }) => [Number(step), Number(count)]));
  return Array.from({ length: steps + 1 }, (_, step) => counts.get(step) ?? 0);
}

function whole(number: number): string {
  return String(Math.trunc(number));
}
