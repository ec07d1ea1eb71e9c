// What is asked of the table of decisions, as SQL. A question is written so that one index answers it, whatever SQLite
// guesses of the table. An identity's decisions lie in their index by the end of what was issued: of one that has few
// they are put in order, one that has many is likely among the newest of all.
import type { SQLInputValue } from 'node:sqlite';
import type { JournalConditions, JournalQuery } from '../../../../ports/storage/issuance-journal.ts';
import type { RefusedIn } from '../../../../ports/storage/operation-journal.ts';
import { MANY, NEWEST } from '../../readings/newest-first.ts';

/** What follows the columns, and the values of its parameters. */
export interface Question {
  readonly sql: string;
  readonly values: readonly SQLInputValue[];
}

type Conditions = { readonly [Name in keyof JournalConditions]-?: (value: never) => Question };

const OF_IDENTITY = 'coalesce(identity, caller) = ?';
const RELAYED = 'identity <> caller AND caller = ?';
const NEWEST_FIRST = 'ORDER BY time_ms DESC, id DESC LIMIT ?';

const CONDITIONS: Conditions = {
  // A word and no parameter, which would not find a partial index (sqlite.org/partialindex.html, section 3).
  outcome: (value: 'issued' | 'refused') => ({ sql: `outcome = '${value}'`, values: [] }),
  decisionId: (value: string) => ({ sql: 'decision_id = ?', values: [value] }),
  identity: (value: string) => ({ sql: `(${OF_IDENTITY} OR (${RELAYED}))`, values: [value, value] }),
  sinceMs: (value: number) => ({ sql: 'time_ms >= ?', values: [value] }),
  validAtMs: (value: number) => ({ sql: 'not_after_ms > ?', values: [value] }),
};

/** Of an identity, the index itself knows what was refused: nothing of it ends. */
const CONDITIONS_IN_INDEX: Conditions = {
  ...CONDITIONS,
  outcome: (value: 'issued' | 'refused') => ({
    sql: value === 'refused' ? 'not_after_ms IS NULL' : 'not_after_ms IS NOT NULL',
    values: [],
  }),
};

/** Whether an identity has many decisions; its parameter is the SPIFFE ID. */
export const HAS_MANY = `SELECT 1 FROM decisions WHERE ${OF_IDENTITY} LIMIT 1 OFFSET ${MANY}`;

/** Parameter: ids of decisions as JSON. */
export const ISSUED_BY = `INDEXED BY decisions_by_decision_id
  WHERE decision_id IN (SELECT value FROM json_each(?)) AND outcome = 'issued'`;

/** `spiffe://…/ns/NAMESPACE/sa/…`: neither a trust domain nor a namespace has a slash. */
const BEHIND_NS = "substr(subject, instr(subject, '/ns/') + 4)";
const NAMESPACE = `substr(${BEHIND_NS}, 1, instr(${BEHIND_NS}, '/sa/') - 1)`;
const REFUSED_SINCE = `FROM decisions WHERE outcome = 'refused' AND time_ms >= ? ${NEWEST_FIRST}`;

/** Only what is of the namespaces is fetched from the table whole. */
export function refusedIn({ namespaces, sinceMs, among, limit }: RefusedIn): Question {
  const newest = `SELECT id, coalesce(identity, caller) AS subject ${REFUSED_SINCE}`;
  const ids = `SELECT id FROM (${newest}) WHERE ${NAMESPACE} IN (SELECT value FROM json_each(?))`;
  return {
    sql: `WHERE id IN (${ids}) ${NEWEST_FIRST}`,
    values: [sinceMs, among, JSON.stringify(namespaces), limit],
  };
}

/** When the last of so many of the newest refusals was. Parameters: moment in ms, 1, how many without the last. */
export const REFUSED_BEFORE_OTHERS = `SELECT time_ms AS timeMs ${REFUSED_SINCE} OFFSET ?`;

/** In any order. */
export function conditionsOf(conditions: JournalConditions): Question {
  return where(partsOf(conditions, CONDITIONS));
}

/** Nothing when the journal has no more than NEWEST decisions. */
export function amongNewest(conditions: JournalConditions, limit: number): Question {
  const newest = `time_ms >= (SELECT time_ms FROM decisions ORDER BY time_ms DESC LIMIT 1 OFFSET ${NEWEST})`;
  const { sql, values } = where([{ sql: newest, values: [] }, ...partsOf(conditions, CONDITIONS)]);
  return { sql: `INDEXED BY decisions_by_time ${sql} ${NEWEST_FIRST}`, values: [...values, limit] };
}

export function newestFirst(query: JournalQuery, limit: number): Question {
  const { identity, ...others } = query;
  if (identity !== undefined && others.decisionId === undefined) return newestOf(identity, others, limit);
  const { sql, values } = conditionsOf(query);
  return { sql: `${sql} ${NEWEST_FIRST}`, values: [...values, limit] };
}

/** Only what is listed is fetched from the table; the rest is read in the index alone. */
function newestOf(identity: string, others: JournalConditions, limit: number): Question {
  const parts = partsOf(others, CONDITIONS_IN_INDEX);
  const branches = [OF_IDENTITY, RELAYED].map((sql) => where([{ sql, values: [identity] }, ...parts]));
  const ids = branches.map(({ sql }) => `SELECT id, time_ms FROM decisions ${sql}`).join(' UNION ALL ');
  return {
    sql: `WHERE id IN (SELECT id FROM (${ids}) ${NEWEST_FIRST}) ORDER BY time_ms DESC, id DESC`,
    values: [...branches.flatMap(({ values }) => values), limit],
  };
}

function partsOf(query: JournalConditions, conditions: Conditions): readonly Question[] {
  return (Object.keys(conditions) as (keyof JournalConditions)[]).flatMap((name) => {
    const value = query[name];
    return value === undefined ? [] : [conditions[name](value as never)];
  });
}

function where(parts: readonly Question[]): Question {
  if (parts.length === 0) return { sql: '', values: [] };
  return {
    sql: `WHERE ${parts.map(({ sql }) => sql).join(' AND ')}`,
    values: parts.flatMap(({ values }) => values),
  };
}
