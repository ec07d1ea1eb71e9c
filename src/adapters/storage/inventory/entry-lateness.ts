// Who is late, as SQL for SQLite and PostgreSQL: the same that `stateOf` of the domain says of an entry.
import type { ExcusedTime, Span } from '../../../domain/trust/interruption.ts';
import type { OverdueQuestion } from '../../../ports/inventory/inventory.ts';

type Value = string | number;

/** Parameters are `?`. */
export interface Condition {
  readonly sql: string;
  readonly values: readonly Value[];
}

export type Lateness = Pick<OverdueQuestion, 'nowMs' | 'excused'>;

/**
 * Nobody is overdue who was to renew later than this, in ms since the epoch: in an outage of all, whose time had not come when it
 * began, so that none of them has to be looked at.
 */
export function lateUntilMs({ nowMs, excused }: Lateness): number {
  const last = excused.at(-1)?.spans.at(-1);
  return last !== undefined && last.toMs >= nowMs ? Math.min(last.fromMs, nowMs) : nowMs;
}

/** Of entries that have not ended. */
export function overdue(lateness: Lateness): Condition {
  const inTime: Condition = { sql: 'overdue_ms <= ?', values: [lateUntilMs(lateness)] };
  return lateness.excused.length === 0 ? inTime : all([inTime, compared('<=', lateness)]);
}

export function notOverdue(lateness: Lateness): Condition {
  return compared('>', lateness);
}

export function all(conditions: readonly Condition[]): Condition {
  return {
    sql: conditions.map(({ sql }) => sql).join(' AND '),
    values: conditions.flatMap(({ values }) => values),
  };
}

/** When it is late, with what it lost, against the moment. */
function compared(comparison: string, { nowMs, excused }: Lateness): Condition {
  const times = excused.map(({ barred, spans }) => ({ concerned: concernedBy(barred), lost: lostIn(spans) }));
  if (times.length === 0) return { sql: `overdue_ms ${comparison} ?`, values: [nowMs] };
  const cases = times.map(({ concerned, lost }) => `WHEN ${concerned.sql} THEN ${lost.sql}`).join(' ');
  const values = times.flatMap(({ concerned, lost }) => [...concerned.values, ...lost.values]);
  return { sql: `overdue_ms + CASE ${cases} END ${comparison} ?`, values: [...values, nowMs] };
}

function concernedBy({ issuer, cluster }: ExcusedTime['barred']): Condition {
  return all([
    { sql: '1 = 1', values: [] },
    ...(issuer === undefined ? [] : [{ sql: 'issuer_name = ?', values: [issuer] }]),
    ...(cluster === undefined ? [] : [{ sql: `cluster = ? AND pod_uid <> ''`, values: [cluster] }]),
  ]);
}

/** How much of the time since the renewal was due they take. */
function lostIn(spans: readonly Span[]): Condition {
  const each = 'CASE WHEN renewal_ms <= ? THEN ? WHEN renewal_ms < ? THEN ? - renewal_ms ELSE 0 END';
  return {
    sql: ['0', ...spans.map(() => each)].join(' + '),
    values: spans.flatMap(({ fromMs, toMs }) => [fromMs, toMs - fromMs, toMs, toMs]),
  };
}
