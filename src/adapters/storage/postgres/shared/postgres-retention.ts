// Old records leave the shared journal by whoever holds its lease: the row of the lease is held in the same statement, so
// that the lease cannot pass on between the look at it and the deleting.
import { AuthorityError } from '../../../../domain/errors.ts';
import type { Clock } from '../../../../ports/platform/clock.ts';
import type { JournalRetention } from '../../../../ports/storage/journal-retention.ts';
import { TABLES } from '../../chain-records.ts';
import type { Database } from './database.ts';

/**
 * What of one kind leaves: unchained records by their age; of a chain the oldest links, up to the first that has to stay, and the last
 * of them is noted. A record of a time yet to come was made while a clock was wrong: nothing waits behind it.
 */
function removal(kind: 'decision' | 'closing'): string {
  const table = TABLES[kind];
  const leaving = (row: string): string => `(${row}.time_ms < $3 OR ${row}.time_ms > $5)`;
  return `${kind}_old AS MATERIALIZED (
    SELECT id FROM ${table} WHERE time_ms < $3 AND chain IS NULL ORDER BY time_ms LIMIT $4
  ), ${kind}_due AS MATERIALIZED (
    SELECT chains.chain, chains.opened_ms FROM chains CROSS JOIN LATERAL (
      SELECT time_ms FROM ${table} WHERE ${table}.chain = chains.chain ORDER BY chain_sequence LIMIT 1) AS first
    WHERE chains.kind = '${kind}' AND ${leaving('first')} ORDER BY chains.opened_ms LIMIT $4
  ), ${kind}_oldest AS MATERIALIZED (
    SELECT due.opened_ms, link.*,
      bool_and(${leaving('link')}) OVER (PARTITION BY link.chain ORDER BY link.chain_sequence) AS leaves
    FROM ${kind}_due AS due CROSS JOIN LATERAL (SELECT chain, chain_sequence, chain_digest, time_ms FROM ${table}
      WHERE ${table}.chain = due.chain ORDER BY chain_sequence LIMIT $4) AS link
  ), ${kind}_last AS MATERIALIZED (
    SELECT DISTINCT ON (chain) chain, chain_sequence, chain_digest, time_ms FROM (
      SELECT * FROM ${kind}_oldest WHERE leaves ORDER BY opened_ms, chain, chain_sequence
      LIMIT $4 - (SELECT count(*) FROM ${kind}_old)) AS links
    WHERE time_ms < $3 ORDER BY chain, chain_sequence DESC
  ), ${kind}_noted AS (
    UPDATE chains SET removed_sequence = last.chain_sequence, removed_digest = last.chain_digest, removed_ms = last.time_ms
    FROM ${kind}_last AS last WHERE chains.chain = last.chain AND EXISTS (SELECT FROM held)
  ), ${kind}_deleted AS (
    DELETE FROM ${table} WHERE EXISTS (SELECT FROM held) AND id IN (SELECT id FROM ${kind}_old) RETURNING 1
  ), ${kind}_unlinked AS (
    DELETE FROM ${table} USING ${kind}_last AS last WHERE EXISTS (SELECT FROM held)
      AND ${table}.chain = last.chain AND ${table}.chain_sequence <= last.chain_sequence RETURNING 1
  )`;
}

/** @returns how many records of a kind left. */
function removed(kind: 'decision' | 'closing'): string {
  return `(SELECT count(*) FROM ${kind}_deleted) + (SELECT count(*) FROM ${kind}_unlinked)`;
}

/**
 * A chain whose records have all left goes with the next step; a server that writes it all the same brings it back.
 * Parameters: name of the lease, epoch, moment in ms, how many at most, now in ms.
 */
const DELETE_BEFORE = `WITH held AS MATERIALIZED (
    SELECT 1 FROM leases WHERE name = $1 AND epoch = $2 FOR SHARE
  ), ${removal('decision')}, ${removal('closing')}, forgotten AS (
    DELETE FROM chains WHERE EXISTS (SELECT FROM held) AND opened_ms < $3 AND kind <> 'operation'
      AND NOT EXISTS (SELECT FROM decisions WHERE decisions.chain = chains.chain)
      AND NOT EXISTS (SELECT FROM closings WHERE closings.chain = chains.chain)
  ), deleted_proxies AS (
    DELETE FROM proxies WHERE EXISTS (SELECT FROM held) AND (identity, remote_cluster, pod_uid, proxy) IN
      (SELECT identity, remote_cluster, pod_uid, proxy FROM proxies WHERE seen_ms < $3 LIMIT $4)
    RETURNING 1
  ), deleted_heads AS (
    DELETE FROM audit_heads WHERE EXISTS (SELECT FROM held) AND number IN
      (SELECT number FROM audit_heads WHERE number <= (SELECT max(number) FROM audit_heads WHERE time_ms < $3)
        AND number < (SELECT max(number) FROM audit_heads) ORDER BY number LIMIT $4)
    RETURNING 1
  ) SELECT EXISTS (SELECT FROM held) AS held, greatest(${removed('decision')}, ${removed('closing')},
      (SELECT count(*) FROM deleted_proxies), (SELECT count(*) FROM deleted_heads)) AS deleted`;

export interface PostgresRetentionParts {
  readonly database: Database;
  readonly clock: Pick<Clock, 'nowMs'>;
}

export class PostgresRetention implements JournalRetention {
  readonly #database: Database;
  readonly #clock: Pick<Clock, 'nowMs'>;
  readonly #leaseName: string;

  constructor({ database, clock }: PostgresRetentionParts, settings: { readonly leaseName: string }) {
    this.#database = database;
    this.#clock = clock;
    this.#leaseName = settings.leaseName;
  }

  async deleteBefore(
    beforeMs: number,
    limit: number,
    { epoch, signal }: { readonly epoch: number; readonly signal: AbortSignal },
  ): Promise<number> {
    const values = [this.#leaseName, epoch, Math.floor(beforeMs), limit, this.#clock.nowMs()];
    const [row] = await this.#database.commit(DELETE_BEFORE, values, { signal });
    if (row?.['held'] !== true) throw new AuthorityError('CAP-S04', { detail: 'the lease of the journal is over' });
    return Number(row['deleted']);
  }
}
