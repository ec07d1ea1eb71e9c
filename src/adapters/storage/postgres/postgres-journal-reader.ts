// Lists and goes through the journal of a PostgreSQL, also while servers write it. For a process that signs nothing, such
// as a command. Of a scan a page is held in memory, whatever it goes through. It imports much because it implements all
// ports that read records.
import type { CompiledQuery } from 'kysely';
import { AuthorityError } from '../../../domain/errors.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { AuditHeadReader, KeptHead } from '../../../ports/audit/audit-heads.ts';
import type { ChainReader, ChainSnapshots } from '../../../ports/audit/chain-reader.ts';
import type { ClosingJournalReader, ClosingQuery, ClosingRecord } from '../../../ports/storage/closing-journal.ts';
import type {
  DecisionRecord,
  IssuanceJournalReader,
  JournalConditions,
  JournalQuery,
} from '../../../ports/storage/issuance-journal.ts';
import type {
  OperationJournalReader,
  OperationQuery,
  OperationRecord,
} from '../../../ports/storage/operation-journal.ts';
import { decisionFrom, operationFrom, type Row } from '../records.ts';
import type { Statement, Value } from './connection/postgres-connection.ts';
import { PostgresPool } from './connection/postgres-pool.ts';
import { problemBehind } from './connection/postgres-problem.ts';
import type { PostgresSettings } from './connection/settings.ts';
import { closingOf, newestClosings, SELECT_CLOSINGS } from './reading/closing-statements.ts';
import { amongNewest, counted, hasMany, newestFirst, oldestFirst } from './reading/decision-queries.ts';
import { inSnapshot, LONG_MS, snapshot } from './reading/snapshot.ts';
import { newestOperations, valuesOf } from './reading/tables.ts';
import { PostgresChainReader } from './postgres-chain-reader.ts';
import { SELECT_HEADS } from './schema/audit-heads.ts';
import { versionOf } from './schema/migrate.ts';
import { CHAINS_SINCE_VERSION } from './schema/migrations.ts';
import { headFrom } from './shared/postgres-audit-heads.ts';

interface Waits {
  readonly signal: AbortSignal;
}

/** One answer is held in memory whole. */
const MAX_LISTED = 100_000;
/** Decisions that a scan fetches at once: about a megabyte. */
const PAGE = 1_000;
/** The schema version that brought the closings. */
const CLOSINGS_SINCE_VERSION = 3;

export class PostgresJournalReader
  implements
    IssuanceJournalReader,
    OperationJournalReader,
    ClosingJournalReader,
    ChainSnapshots,
    AuditHeadReader,
    AsyncDisposable
{
  readonly #pool: PostgresPool;
  /** Of the schema. */
  readonly #version: number;

  private constructor(pool: PostgresPool, version: number) {
    this.#pool = pool;
    this.#version = version;
  }

  /** @throws AuthorityError CAP-X03 for a database without a journal or with one of a newer version; CAP-S04. */
  static async open(
    parts: { readonly clock: Pick<Clock, 'after' | 'monotonicMs'> },
    settings: PostgresSettings,
    options: Waits,
  ): Promise<PostgresJournalReader> {
    const pool = new PostgresPool(parts, settings);
    try {
      const version = await reading(options, async () => pool.use(async (each) => versionOf(each), options));
      if (version > 0) return new PostgresJournalReader(pool, version);
      throw new AuthorityError('CAP-X03', { detail: `the database ${settings.database} has no journal of Capstan` });
    } catch (cause) {
      await pool[Symbol.asyncDispose]();
      throw cause;
    }
  }

  async list(query: JournalQuery, options: Waits): Promise<readonly DecisionRecord[]> {
    const asked = { ...query, limit: Math.min(query.limit, MAX_LISTED) };
    if (asked.identity !== undefined && (await this.#ask(hasMany(asked.identity), options)).length > 0) {
      const rows = await this.#ask(amongNewest(asked), options);
      if (rows.length === asked.limit) return rows.map(recordOf);
    }
    return (await this.#ask(newestFirst(asked), options)).map(recordOf);
  }

  async count(conditions: JournalConditions, options: Waits): Promise<number> {
    return reading(options, async () => {
      const statement = statementOf(counted(conditions));
      const [row] = await inSnapshot(this.#pool, async (each) => each.query(statement, LONG_MS), options);
      return Number(row?.['count']);
    });
  }

  scan(conditions: JournalConditions, options: Waits): AsyncGenerator<DecisionRecord, void, undefined> {
    return this.#scan(statementOf(oldestFirst(conditions)), recordOf, options);
  }

  /** None that a database of before knows. */
  async *scanClosings(options: Waits): AsyncGenerator<ClosingRecord, void, undefined> {
    if (this.#version < CLOSINGS_SINCE_VERSION) return;
    yield* this.#scan({ text: `${SELECT_CLOSINGS} ORDER BY time_ms, id`, values: [] }, closingOf, options);
  }

  async closings(query: ClosingQuery, options: Waits): Promise<readonly ClosingRecord[]> {
    if (this.#version < CLOSINGS_SINCE_VERSION) return [];
    const { text, values } = newestClosings({ ...query, limit: Math.min(query.limit, MAX_LISTED) });
    return (await reading(options, async () => this.#pool.query(text, values, options))).map(closingOf);
  }

  async chainsNow(options: Waits): Promise<ChainReader & AsyncDisposable> {
    return PostgresChainReader.open(this.#pool, this.#version, options);
  }

  /** None that a database of before knows. */
  async *heads(
    { sinceMs = 0 }: { readonly sinceMs?: number },
    options: Waits,
  ): AsyncGenerator<KeptHead, void, undefined> {
    if (this.#version < CHAINS_SINCE_VERSION) return;
    yield* this.#scan({ text: SELECT_HEADS, values: [sinceMs] }, headFrom, options);
  }

  async *#scan<Found>(
    { text, values }: Required<Pick<Statement, 'text' | 'values'>>,
    from: (row: Row) => Found,
    options: Waits,
  ): AsyncGenerator<Found, void, undefined> {
    try {
      await using borrowed = await snapshot(this.#pool, options);
      const { connection } = borrowed;
      await connection.query({ text: `DECLARE scan NO SCROLL CURSOR FOR ${text}`, values }, LONG_MS);
      for (let fetched = PAGE; fetched === PAGE;) {
        options.signal.throwIfAborted();
        const rows = await connection.query({ text: `FETCH ${PAGE} FROM scan` }, LONG_MS);
        for (const row of rows) yield from(row);
        fetched = rows.length;
      }
    } catch (cause) {
      throw readingError(cause, options);
    }
  }

  async operations({ sinceMs = 0, limit }: OperationQuery, options: Waits): Promise<readonly OperationRecord[]> {
    const rows = await this.#ask(newestOperations(sinceMs, Math.min(limit, MAX_LISTED)), options);
    return rows.map(operationFrom);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool[Symbol.asyncDispose]();
  }

  async #ask(query: CompiledQuery, options: Waits): Promise<readonly Row[]> {
    const { text, values } = statementOf(query);
    return reading(options, async () => this.#pool.query(text, values, options));
  }
}

/** Kysely quotes names and numbers parameters; every value is one. */
function statementOf({ sql, parameters }: CompiledQuery): Required<Pick<Statement, 'text' | 'values'>> {
  return { text: sql, values: parameters as readonly Value[] };
}

function recordOf(row: Row): DecisionRecord {
  return decisionFrom(valuesOf(row));
}

async function reading<T>(options: Waits, question: () => Promise<T>): Promise<T> {
  try {
    return await question();
  } catch (cause) {
    throw readingError(cause, options);
  }
}

/** @returns what somebody who wanted to read is told. */
function readingError(cause: unknown, { signal }: Waits): unknown {
  signal.throwIfAborted();
  return problemBehind(cause)?.toOpeningError() ?? cause;
}
