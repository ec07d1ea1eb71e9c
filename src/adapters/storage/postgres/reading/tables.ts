// The journal's tables as queries are built over them. Kysely only builds: what it compiles to is run by the room's own
// connections, which know time-outs, hosts and errors.
import {
  DummyDriver,
  Kysely,
  PostgresAdapter,
  PostgresIntrospector,
  PostgresQueryCompiler,
  sql,
  type AliasedRawBuilder,
  type CompiledQuery,
} from 'kysely';
import { DECISION_COLUMNS, DECISION_FIELDS, OPERATION_COLUMNS, type DecisionValues, type Row } from '../../records.ts';

/** What conditions are about; the other columns are only handed through. */
interface DecisionsTable {
  readonly id: number;
  readonly decision_id: string;
  readonly time_ms: number;
  readonly caller: string | null;
  readonly identity: string | null;
  /** The identity, or else the caller. */
  readonly subject: string | null;
  /** None in a refusal. */
  readonly not_after_ms: number | null;
}

interface OperationsTable {
  readonly id: number;
  readonly time_ms: number;
}

export interface Tables {
  readonly decisions: DecisionsTable;
  readonly operations: OperationsTable;
}

/** Runs nothing. */
export const tables = new Kysely<Tables>({
  dialect: {
    createAdapter: () => new PostgresAdapter(),
    createDriver: () => new DummyDriver(),
    createIntrospector: (database) => new PostgresIntrospector(database),
    createQueryCompiler: () => new PostgresQueryCompiler(),
  },
});

/** All columns of a decision, under the names of their fields. */
export const DECISION = selection(DECISION_COLUMNS);
const OPERATION = selection(OPERATION_COLUMNS);

/** @param row as `DECISION` selects it. */
export function valuesOf(row: Row): DecisionValues {
  return DECISION_FIELDS.map((field) => (row[field] ?? null) as DecisionValues[number]);
}

function selection(columns: Readonly<Record<string, string>>): readonly AliasedRawBuilder<unknown, string>[] {
  return Object.entries(columns).map(([field, column]) => sql.ref(column).as(field));
}

export function newestOperations(sinceMs: number, limit: number): CompiledQuery {
  const found = tables.selectFrom('operations').select(OPERATION).where('time_ms', '>=', sinceMs);
  return found.orderBy('id', 'desc').limit(limit).compile();
}
