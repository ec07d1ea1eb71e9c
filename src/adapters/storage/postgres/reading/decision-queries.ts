// What is asked of the table of decisions. A question is written so that one index answers it, whatever PostgreSQL guesses
// of the table. An identity's decisions lie in their index by the end of what was issued: of one that has few they are put
// in order, one that has many is likely among the newest of all.
import { sql, type CompiledQuery, type Expression, type ExpressionBuilder, type SqlBool } from 'kysely';
import type { JournalConditions, JournalQuery } from '../../../../ports/storage/issuance-journal.ts';
import type { RefusedIn } from '../../../../ports/storage/operation-journal.ts';
import { MANY, NEWEST } from '../../readings/newest-first.ts';
import { DECISION, tables, type Tables } from './tables.ts';

type Where = (builder: ExpressionBuilder<Tables, 'decisions'>) => Expression<SqlBool>;

const NEWEST_FIRST = sql`time_ms DESC, id DESC`;
const OLDEST_FIRST = sql`time_ms, id`;

/** Whether an identity has many decisions: then there is a row. */
export function hasMany(identity: string): CompiledQuery {
  const one = tables
    .selectFrom('decisions')
    .select(sql`1`.as('one'))
    .where('subject', '=', identity);
  // In the order of its index, so that it is not looked for in the table.
  return one.orderBy('not_after_ms').offset(MANY).limit(1).compile();
}

/** What is listed of the newest decisions of all. */
export function amongNewest({ limit, ...conditions }: JournalQuery): CompiledQuery {
  const newest = tables.selectFrom('decisions').selectAll().orderBy(NEWEST_FIRST).limit(NEWEST).as('decisions');
  const found = tables.selectFrom(newest).select(DECISION).where(matching(conditions));
  return found.orderBy(NEWEST_FIRST).limit(limit).compile();
}

export function newestFirst({ limit, ...conditions }: JournalQuery): CompiledQuery {
  const { identity, ...others } = conditions;
  if (identity !== undefined && others.decisionId === undefined) return newestOf(identity, others, limit);
  const found = tables.selectFrom('decisions').select(DECISION).where(matching(conditions));
  return found.orderBy(NEWEST_FIRST).limit(limit).compile();
}

/** Found by the index that makes each decision one, however many the table has: the array is made before it is planned for. */
export function issuedBy(decisionIds: readonly string[]): CompiledQuery {
  const ids = sql`ARRAY(SELECT jsonb_array_elements_text(${JSON.stringify(decisionIds)}::jsonb))`;
  const found = tables
    .selectFrom('decisions')
    .select(DECISION)
    .where(sql<SqlBool>`decision_id = ANY(${ids})`);
  return found.where(sql<SqlBool>`outcome = 'issued'`).compile();
}

/** Only what is of the namespaces is fetched from the table whole. */
export function refusedIn({ namespaces, sinceMs, among, limit }: RefusedIn): CompiledQuery {
  const newest = newestRefused(sinceMs).select(['id', 'subject']).limit(among).as('newest');
  // `spiffe://…/ns/NAMESPACE/sa/…`: neither a trust domain nor a namespace has a slash.
  const namespace = sql`split_part(split_part(subject, '/ns/', 2), '/sa/', 1)`;
  const wanted = sql`ARRAY(SELECT jsonb_array_elements_text(${JSON.stringify(namespaces)}::jsonb))`;
  const ids = tables
    .selectFrom(newest)
    .select('id')
    .where(sql<SqlBool>`${namespace} = ANY(${wanted})`);
  const found = tables.selectFrom('decisions').select(DECISION).where('id', 'in', ids);
  return found.orderBy(NEWEST_FIRST).limit(limit).compile();
}

/** When the last of so many of the newest refusals was; nothing where there are fewer. */
export function refusedBeforeOthers({ sinceMs, among }: RefusedIn): CompiledQuery {
  return newestRefused(sinceMs)
    .select(sql`time_ms`.as('timeMs'))
    .offset(among - 1)
    .limit(1)
    .compile();
}

function newestRefused(sinceMs: number) {
  return tables
    .selectFrom('decisions')
    .where(matching({ outcome: 'refused', sinceMs }))
    .orderBy(NEWEST_FIRST);
}

export function counted(conditions: JournalConditions): CompiledQuery {
  return tables
    .selectFrom('decisions')
    .select(({ fn }) => fn.countAll().as('count'))
    .where(matching(conditions))
    .compile();
}

export function oldestFirst(conditions: JournalConditions): CompiledQuery {
  return tables.selectFrom('decisions').select(DECISION).where(matching(conditions)).orderBy(OLDEST_FIRST).compile();
}

/**
 * What of an identity is asked for is known from its index alone; only what is listed is fetched from the table. What was
 * asked for by it, for another, is few, and in order in an index of its own.
 */
function newestOf(identity: string, { outcome, ...others }: JournalConditions, limit: number): CompiledQuery {
  const half = (where: Where) =>
    tables
      .selectFrom('decisions')
      .select(['id', 'time_ms'])
      .where(where)
      .where(matching(others))
      .where(ending(outcome));
  // What has an offset is planned by itself: else the newest decisions of all would be gone through in their order.
  const own = half(ofIdentity(identity)).offset(sql.lit(0));
  const relayed = half(relayedBy(identity)).orderBy(NEWEST_FIRST).limit(limit);
  const newest = tables
    .selectFrom(own.as('own'))
    .selectAll()
    .unionAll(tables.selectFrom(relayed.as('relayed')).selectAll());
  const ids = tables.selectFrom(newest.as('newest')).select('id').orderBy(NEWEST_FIRST).limit(limit);
  return tables.selectFrom('decisions').select(DECISION).where('id', 'in', ids).orderBy(NEWEST_FIRST).compile();
}

function matching({ outcome, decisionId, identity, sinceMs, validAtMs }: JournalConditions): Where {
  return (builder) =>
    builder.and([
      // A word and no parameter, as the partial index has it.
      ...(outcome === undefined ? [] : [sql<SqlBool>`outcome = ${sql.lit(outcome)}`]),
      ...(decisionId === undefined ? [] : [builder('decision_id', '=', decisionId)]),
      ...(identity === undefined ? [] : [builder.or([ofIdentity(identity)(builder), relayedBy(identity)(builder)])]),
      ...(sinceMs === undefined ? [] : [builder('time_ms', '>=', sinceMs)]),
      ...(validAtMs === undefined ? [] : [builder('not_after_ms', '>', validAtMs)]),
    ]);
}

/** An outcome as the index by identity knows it: what was refused has no end. */
function ending(outcome: JournalConditions['outcome']): Where {
  return (builder) =>
    outcome === undefined ? builder.and([]) : builder('not_after_ms', outcome === 'issued' ? 'is not' : 'is', null);
}

function ofIdentity(identity: string): Where {
  return (builder) => builder('subject', '=', identity);
}

/** Asked for by it, for another. */
function relayedBy(identity: string): Where {
  return (builder) => builder.and([builder('identity', '<>', builder.ref('caller')), builder('caller', '=', identity)]);
}
