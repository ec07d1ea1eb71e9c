// When the certificates of the inventory end, counted by SQLite or PostgreSQL.
import type { EndsQuestion } from '../../../ports/inventory/inventory.ts';
import type { Row } from '../records.ts';
import type { EntryQuestion } from './entry-questions.ts';

/**
 * One row for each step in which a certificate ends, as `step` and `count`: out of the index of ends alone, where a database has it at
 * hand. @param naming as of `pageQuestion`.
 */
export function endsQuestion(
  { nowMs, fromMs, stepMs, steps }: EndsQuestion,
  naming: (index: string) => string,
): EntryQuestion {
  // Whole numbers, whatever a driver makes of a parameter: what is divided is.
  const step = `(not_after_ms - ${whole(fromMs)}) / ${whole(stepMs)}`;
  return {
    sql: `SELECT CASE WHEN ${step} < ${whole(steps)} THEN ${step} ELSE ${whole(steps)} END AS step, count(*) AS count
      FROM inventory_entries${naming('inventory_live_by_end')} WHERE ended_ms IS NULL AND not_after_ms > ? GROUP BY 1`,
    values: [nowMs],
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
