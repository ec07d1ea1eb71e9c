// A PostgreSQL store, as a backup is put back into it. What the database does for itself (pg_dump, point-in-time recovery) rolls back
// what is shared with it; a restore here only adds. It imports much because every kind of record comes back.
import { AuthorityError } from '../../../domain/errors.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { ChainKind } from '../../../domain/audit/chain.ts';
import type { KeptHead } from '../../../ports/audit/audit-heads.ts';
import type { ChainState } from '../../../ports/audit/chain-reader.ts';
import type { EvidenceNotes } from '../../../ports/storage/evidence.ts';
import { PostgresPool } from '../postgres/connection/postgres-pool.ts';
import { problemBehind } from '../postgres/connection/postgres-problem.ts';
import type { PostgresSettings } from '../postgres/connection/settings.ts';
import { PostgresEvidenceRecords } from '../postgres/shared/postgres-evidence-records.ts';
import { ADD_HEADS, SELECT_LAST_HEADS } from '../postgres/schema/audit-heads.ts';
import { migrate } from '../postgres/schema/migrate.ts';
import { placeValues } from '../chain-records.ts';
import { placesJson, restoredChainJson } from '../postgres/writing/server-chain.ts';
import { ADD_CLOSINGS, INSERT_DECISIONS, openChain } from '../postgres/writing/statements.ts';
import { OPERATION_COLUMNS, operationValues } from '../records.ts';
import { recordsAsJson } from '../storable-json.ts';
import type { KeptIssuer, RestoredStore } from './copied-store.ts';
import type { KeptLedgers } from './kept-ledgers.ts';
import { joinInPostgres } from './ledgers-in-postgres.ts';
import type { PlacedRecord } from './placed-records.ts';

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
const ADD_OPERATION = `INSERT INTO operations (${COLUMNS.join(', ')}, chain, chain_sequence, chain_digest)
  SELECT ${TYPED}, $6::text, $7::bigint, $8::text
  WHERE NOT EXISTS (SELECT 1 FROM operations WHERE (${COLUMNS.join(', ')}) IS NOT DISTINCT FROM (${TYPED})) RETURNING 1`;
/** Of what is known of a chain twice the longer one counts. Parameter: what `restoredChainJson` gave. */
const MERGE_CHAIN = openChain(
  '$1',
  `DO UPDATE SET removed_sequence = excluded.removed_sequence, removed_digest = excluded.removed_digest,
    removed_ms = excluded.removed_ms WHERE excluded.removed_sequence < kept.removed_sequence`,
);
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

  async addChains(chains: readonly ChainState[], options: Waits): Promise<void> {
    for (const state of chains) await this.#pool.commit(MERGE_CHAIN, [restoredChainJson(state)], options);
  }

  async addRecords<Kind extends ChainKind>(
    kind: Kind,
    records: readonly PlacedRecord<Kind>[],
    options: Waits,
  ): Promise<number> {
    return kind === 'operation'
      ? this.#addOperations(records as readonly PlacedRecord<'operation'>[], options)
      : this.#addAtOnce(kind === 'decision' ? ADD_DECISIONS : ADD_CLOSINGS, records, options);
  }

  /** In one statement, whose rows say which are new. */
  async #addAtOnce(text: string, records: readonly PlacedRecord[], options: Waits): Promise<number> {
    const values = [recordsAsJson(records.map(({ record }) => record)), placesJson(records.map(({ place }) => place))];
    const statement = { text, values, writes: records.length };
    const rows = await this.#pool.use(async (connection) => connection.commit(statement), options);
    return rows.filter(({ added }) => added === true).length;
  }

  /** What makes an operation another one is all of it. */
  async #addOperations(records: readonly PlacedRecord<'operation'>[], options: Waits): Promise<number> {
    let added = 0;
    for (const { record, place } of records) {
      const values = [...operationValues(record), ...placeValues(place)];
      added += (await this.#pool.commit(ADD_OPERATION, values, options)).length;
    }
    return added;
  }

  async newestHead(options: Waits): Promise<string | undefined> {
    const [row] = await this.#pool.query(SELECT_LAST_HEADS, [1], options);
    return row && String(row['digest']);
  }

  async addHeads(heads: readonly KeptHead[], options: Waits): Promise<void> {
    await this.#pool.commit(ADD_HEADS, [JSON.stringify(heads)], options);
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
