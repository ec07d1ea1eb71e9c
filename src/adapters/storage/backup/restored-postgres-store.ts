// A PostgreSQL store, as a backup is put back into it. What the database does for itself (pg_dump, point-in-time recovery) rolls back
// what is shared with it; a restore here only adds. It imports much because every kind of record comes back.
import { AuthorityError } from '../../../domain/errors.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { ClosingRecord } from '../../../ports/storage/closing-journal.ts';
import type { DecisionRecord } from '../../../ports/storage/issuance-journal.ts';
import type { EvidenceNotes } from '../../../ports/storage/evidence.ts';
import type { OperationRecord } from '../../../ports/storage/operation-journal.ts';
import { PostgresPool } from '../postgres/connection/postgres-pool.ts';
import { problemBehind } from '../postgres/connection/postgres-problem.ts';
import type { PostgresSettings } from '../postgres/connection/settings.ts';
import { PostgresEvidenceRecords } from '../postgres/shared/postgres-evidence-records.ts';
import { migrate } from '../postgres/schema/migrate.ts';
import { ADD_CLOSINGS, INSERT_DECISIONS } from '../postgres/writing/statements.ts';
import { OPERATION_COLUMNS, operationValues } from '../records.ts';
import { recordsAsJson } from '../storable-json.ts';
import type { KeptIssuer, RestoredStore } from './copied-store.ts';
import type { KeptLedgers } from './kept-ledgers.ts';
import { joinInPostgres } from './ledgers-in-postgres.ts';

interface Waits {
  readonly signal: AbortSignal;
}
interface Parts {
  readonly clock: Pick<Clock, 'after' | 'monotonicMs'>;
}

/** The longer memory counts. */
const MERGE_ISSUER = `INSERT INTO issuers AS kept (id, certificate, longest_leaf_ms, until_ms) VALUES ($1, $2, $3, $4)
  ON CONFLICT (id) DO UPDATE SET longest_leaf_ms = greatest(kept.longest_leaf_ms, excluded.longest_leaf_ms),
    until_ms = greatest(kept.until_ms, excluded.until_ms)`;
const COLUMNS = Object.values(OPERATION_COLUMNS);
const TYPED = '$1::bigint, $2::text, $3::text, $4::text, $5::text';
const ADD_OPERATION = `INSERT INTO operations (${COLUMNS.join(', ')}) SELECT ${TYPED}
  WHERE NOT EXISTS (SELECT 1 FROM operations WHERE (${COLUMNS.join(', ')}) IS NOT DISTINCT FROM (${TYPED})) RETURNING 1`;
/** A row that was there has the transaction that wrote it anew in xmax. */
const ADD_DECISIONS = `${INSERT_DECISIONS} RETURNING xmax = 0 AS added`;
/** Sessions of servers, and of commands that read; others of the same user are seen by everybody. */
const OTHERS = `SELECT count(*) AS others FROM pg_stat_activity
  WHERE datname = current_database() AND application_name = current_setting('application_name')
    AND pid <> pg_backend_pid()`;

export class RestoredPostgresStore implements RestoredStore {
  readonly #pool: PostgresPool;

  private constructor(pool: PostgresPool) {
    this.#pool = pool;
  }

  /** @throws AuthorityError CAP-X03 when a server uses the database, or what it is cannot be used; CAP-S04. */
  static async open(parts: Parts, settings: PostgresSettings, options: Waits): Promise<RestoredPostgresStore> {
    const store = new RestoredPostgresStore(new PostgresPool(parts, { ...settings, maxConnections: 1 }));
    try {
      const [row] = await store.#pool.query(OTHERS, [], options);
      if (Number(row?.['others']) > 0) {
        const busy = `the database ${settings.database} is in use by another Capstan`;
        throw new AuthorityError('CAP-X03', { detail: `${busy}; stop all of its servers` });
      }
      await store.#pool.use(async (connection) => migrate(connection), options);
      return store;
    } catch (cause) {
      await store[Symbol.asyncDispose]();
      throw problemBehind(cause)?.toOpeningError() ?? cause;
    }
  }

  async addDecisions(records: readonly DecisionRecord[], options: Waits): Promise<number> {
    const values = [recordsAsJson(records)];
    const statement = { name: 'restore', text: ADD_DECISIONS, values, writes: records.length };
    const rows = await this.#pool.use(async (connection) => connection.commit(statement), options);
    return rows.filter(({ added }) => added === true).length;
  }

  async addOperations(records: readonly OperationRecord[], options: Waits): Promise<number> {
    let added = 0;
    for (const record of records) {
      const statement = { text: ADD_OPERATION, values: operationValues(record) };
      added += (await this.#pool.use(async (connection) => connection.commit(statement), options)).length;
    }
    return added;
  }

  async addClosings(records: readonly ClosingRecord[], options: Waits): Promise<number> {
    const values = [recordsAsJson(records)];
    const statement = { text: ADD_CLOSINGS, values, writes: records.length };
    const rows = await this.#pool.use(async (connection) => connection.commit(statement), options);
    return rows.filter(({ added }) => added === true).length;
  }

  async addIssuers(issuers: readonly KeptIssuer[], options: Waits): Promise<void> {
    for (const { id, certificateDer, longestLeafMs, untilMs } of issuers) {
      const statement = {
        text: MERGE_ISSUER,
        values: [id, Buffer.from(certificateDer), longestLeafMs, untilMs],
        writes: 1,
      };
      await this.#pool.use(async (connection) => connection.commit(statement), options);
    }
  }

  async addEvidence(notes: EvidenceNotes, options: Waits): Promise<void> {
    await new PostgresEvidenceRecords({ database: this.#pool }).recordEvidence(notes, options);
  }

  async addLedgers(
    kept: readonly KeptLedgers[],
    options: Waits & { readonly trust: string | undefined },
  ): Promise<number> {
    return joinInPostgres(this.#pool, kept, options);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#pool[Symbol.asyncDispose]();
  }
}
