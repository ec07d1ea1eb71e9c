// The pages of the inventory as SQL for SQLite and PostgreSQL. A page is found by one index, which one the conditions say and not the
// guess of a database; what else is asked is looked for among the next rows of that index, so many of them that a page stays quick.
// When they do not fill it, the next page goes on behind them.
import { EXPIRED } from '../../../domain/inventory/entry.ts';
import {
  isOfOne,
  orderOf,
  type InventoryConditions,
  type InventoryOrder,
  type InventoryPlace,
} from '../../../domain/inventory/question.ts';
import type { InventoryQuestion, OverdueQuestion } from '../../../ports/inventory/inventory.ts';
import { all, lateUntilMs, notOverdue, overdue, type Condition, type Lateness } from './entry-lateness.ts';
import { ENTRY_COLUMNS } from './entry-rows.ts';
import type { LiveIndex } from './entry-statements.ts';

/** Under the names of their fields. */
const SELECTED = Object.entries(ENTRY_COLUMNS)
  .map(([field, column]) => `${column} AS "${field}"`)
  .join(', ');

/** Parameters are `?`. */
export type EntryQuestion = Condition;

export interface PageQuestion {
  readonly order: InventoryOrder;
  /** Whether an index has the order of the page. */
  readonly isOrdered: boolean;
  readonly page: EntryQuestion;
  /** The last row that the page was looked for in; nothing is found where it was looked for in all there are. */
  readonly lookedThrough: EntryQuestion;
}

/** Rows that a page is looked for in, where it may not have more: each is read from another place of the disk. */
const LOOKED_THROUGH = 200;

interface Path {
  readonly index:
    LiveIndex | 'inventory_once' | 'inventory_by_pod' | 'inventory_by_pod_uid' | 'inventory_by_end' | undefined;
  readonly found: Condition;
}

const KEY = ['identity', 'cluster', 'pod_uid'];
const MOMENT: Readonly<Record<InventoryOrder, string | undefined>> = {
  identity: undefined,
  end: 'not_after_ms',
  overdue: 'overdue_ms',
  ended: 'ended_ms',
};

/** @param naming the words with which a database is told which index, where it has some. */
export function pageQuestion(question: InventoryQuestion, naming: (index: string) => string): PageQuestion {
  const { conditions, after, limit, share = 1 } = question;
  const order = orderOf(conditions);
  const { index, found } = pathOf(conditions, question);
  const columns = [MOMENT[order], ...KEY].filter((column) => column !== undefined);
  const [comparison, direction] = order === 'ended' ? ['<', ' DESC'] : ['>', ''];
  const behind = after && behindPlace(after, index === 'inventory_once' ? columns.slice(1) : columns, comparison);
  const { sql, values } = all([found, ...(behind ? [behind] : [])]);
  const from = `FROM inventory_entries${index === undefined ? '' : naming(index)} WHERE ${sql}
    ORDER BY ${columns.map((column) => column + direction).join(', ')}`;
  const lookedThrough = Math.max(limit, Math.ceil(LOOKED_THROUGH * share));
  const further = all([{ sql: '1 = 1', values: [] }, ...furtherConditions(conditions, question)]);
  return {
    order,
    isOrdered: index !== undefined,
    page: {
      sql: `SELECT ${SELECTED} FROM (SELECT * ${from} LIMIT ${lookedThrough}) AS looked WHERE ${further.sql} LIMIT ?`,
      values: [...values, ...further.values, limit],
    },
    lookedThrough: { sql: `SELECT ${SELECTED} ${from} LIMIT 1 OFFSET ${lookedThrough - 1}`, values },
  };
}

/** @param columns of the order. One that has to be equal is not among them: PostgreSQL would begin at the first that is and not there. */
function behindPlace(place: InventoryPlace, columns: readonly string[], comparison: string): Condition {
  const { atMs = 0, identity, cluster, podUid } = place;
  const values: Readonly<Record<string, string | number>> = { identity, cluster, pod_uid: podUid };
  return {
    sql: `(${columns.join(', ')}) ${comparison} (${columns.map(() => '?').join(', ')})`,
    values: columns.map((column) => values[column] ?? atMs),
  };
}

/** Columns of which a value is held by few of those that live; whoever is named first is found by. */
const BY_COLUMN = [
  ['nodeName', 'inventory_live_by_node'],
  ['trustAnchor', 'inventory_live_by_anchor'],
  ['issuer', 'inventory_live_by_issuer'],
  ['policyRevision', 'inventory_live_by_policy'],
  ['namespace', 'inventory_live_by_namespace'],
  ['cluster', 'inventory_live_by_cluster'],
] as const satisfies readonly (readonly [keyof InventoryConditions, LiveIndex])[];

function pathOf(conditions: InventoryConditions, lateness: Lateness): Path {
  const { identity, serial, podName, podUid, endsBeforeMs } = conditions;
  if (serial !== undefined) return { index: undefined, found: ofSerial(serial) };
  if (podUid !== undefined) return { index: 'inventory_by_pod_uid', found: equal('pod_uid', podUid) };
  if (podName !== undefined) return { index: 'inventory_by_pod', found: equal('pod_name', podName) };
  if (identity !== undefined) return { index: 'inventory_once', found: equal('identity', identity) };
  switch (orderOf(conditions)) {
    case 'ended':
      return { index: 'inventory_by_end', found: { sql: 'ended_ms IS NOT NULL', values: [] } };
    case 'overdue':
      return {
        index: 'inventory_live_by_overdue',
        found: live({ sql: 'overdue_ms <= ?', values: [lateUntilMs(lateness)] }),
      };
    case 'end':
      return { index: 'inventory_live_by_end', found: live({ sql: 'not_after_ms < ?', values: [endsBeforeMs ?? 0] }) };
    case 'identity': {
      for (const [name, index] of BY_COLUMN) {
        const value = conditions[name];
        if (value !== undefined) return { index, found: live(equal(ENTRY_COLUMNS[name], value)) };
      }
      return { index: 'inventory_live', found: { sql: 'ended_ms IS NULL', values: [] } };
    }
  }
}

function ofSerial(serial: string): Condition {
  const ids = `SELECT id FROM inventory_entries WHERE serial = ? AND ended_ms IS NOT NULL UNION
    SELECT entry FROM inventory_certificates WHERE serial = ?`;
  return { sql: `id IN (${ids})`, values: [serial, serial] };
}

const COMPARED = [
  'identity',
  'podName',
  'podUid',
  'nodeName',
  'namespace',
  'issuer',
  'issuerName',
  'trustAnchor',
  'cluster',
  'policyRevision',
] as const satisfies readonly (keyof InventoryConditions)[];

/** All of them: that by which it is found holds once more. */
function furtherConditions(conditions: InventoryConditions, lateness: Lateness): readonly Condition[] {
  const compared = COMPARED.flatMap((name) => {
    const value = conditions[name];
    return value === undefined ? [] : [equal(ENTRY_COLUMNS[name], value)];
  });
  const { endsBeforeMs } = conditions;
  const ends = endsBeforeMs === undefined ? [] : [{ sql: 'not_after_ms < ?', values: [endsBeforeMs] }];
  return [...compared, ...ends, ...inState(conditions, lateness)];
}

/** As `stateOf` of the domain, but for bans. */
function inState(conditions: InventoryConditions, lateness: Lateness): readonly Condition[] {
  const { nowMs } = lateness;
  const { state } = conditions;
  const lives = { sql: 'ended_ms IS NULL AND not_after_ms > ?', values: [nowMs] };
  if (state === undefined) return isOfOne(conditions) ? [] : [lives];
  switch (state) {
    case 'ended':
      return [{ sql: '(ended_ms IS NOT NULL OR not_after_ms <= ?)', values: [nowMs] }];
    case 'live':
      return [lives, { sql: 'renewal_ms > ?', values: [nowMs] }];
    case 'renewing':
      return [lives, { sql: 'renewal_ms <= ?', values: [nowMs] }, notOverdue(lateness)];
    case 'overdue':
      return [lives, overdue(lateness)];
    case 'revoked':
      return [lives];
  }
}

function equal(column: string, value: string): Condition {
  return { sql: `${column} = ?`, values: [value] };
}

function live(condition: Condition): Condition {
  return all([{ sql: 'ended_ms IS NULL', values: [] }, condition]);
}

export interface OverdueQuestions {
  /** Who was not told of, first who was late first. */
  readonly living: EntryQuestion;
  /** The same of those whose certificate is over: they could not renew, and have not come since. */
  readonly ranOut: EntryQuestion | undefined;
  readonly count: EntryQuestion;
}

const NOT_REPORTED: Condition = {
  sql: `NOT EXISTS (SELECT 1 FROM inventory_reported AS reported
    WHERE reported.entry = inventory_entries.id AND reported.serial = inventory_entries.serial)`,
  values: [],
};

/** @param naming as of a page. */
export function overdueQuestions(question: OverdueQuestion, naming: (index: string) => string): OverdueQuestions {
  const { excused, limit } = question;
  const late = overdue(question);
  const from = (index: string, condition: Condition): Condition => {
    return { ...condition, sql: `FROM inventory_entries${naming(index)} WHERE ${condition.sql}` };
  };
  const named = ({ sql, values }: Condition): Condition => {
    return { sql: `SELECT ${SELECTED} ${sql} ORDER BY overdue_ms LIMIT ?`, values: [...values, limit] };
  };
  // Out of the index alone where nothing was interrupted; what is over has ended by then.
  const live = all([{ sql: 'ended_ms IS NULL', values: [] }, late]);
  const sinceMs = Math.min(...excused.flatMap(({ spans }) => spans.map(({ fromMs }) => fromMs)));
  const over: Condition = { sql: `ended_ms > ? AND end_reason = '${EXPIRED}'`, values: [sinceMs] };
  const { sql, values } = from('inventory_live_by_overdue', live);
  return {
    living: named(from('inventory_live_by_overdue', all([live, NOT_REPORTED]))),
    ranOut: excused.length === 0 ? undefined : named(from('inventory_by_end', all([over, late, NOT_REPORTED]))),
    count: { sql: `SELECT count(*) AS count ${sql}`, values },
  };
}
