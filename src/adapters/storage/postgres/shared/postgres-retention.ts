// Old records leave the shared journal by whoever holds its lease: the row of the lease is held in the same statement, so
// that the lease cannot pass on between the look at it and the deleting.
import { AuthorityError } from '../../../../domain/errors.ts';
import type { JournalRetention } from '../../../../ports/storage/journal-retention.ts';
import type { Database } from './database.ts';

/** Parameters: name of the lease, epoch, moment in ms, how many at most. */
const DELETE_BEFORE = `WITH held AS MATERIALIZED (
    SELECT 1 FROM leases WHERE name = $1 AND epoch = $2 FOR SHARE
  ), deleted AS (
    DELETE FROM decisions WHERE EXISTS (SELECT FROM held) AND id IN
      (SELECT id FROM decisions WHERE time_ms < $3 ORDER BY time_ms LIMIT $4)
    RETURNING 1
  ), deleted_closings AS (
    DELETE FROM closings WHERE EXISTS (SELECT FROM held) AND id IN
      (SELECT id FROM closings WHERE time_ms < $3 ORDER BY time_ms LIMIT $4)
    RETURNING 1
  ), deleted_proxies AS (
    DELETE FROM proxies WHERE EXISTS (SELECT FROM held) AND (identity, remote_cluster, pod_uid, proxy) IN
      (SELECT identity, remote_cluster, pod_uid, proxy FROM proxies WHERE seen_ms < $3 LIMIT $4)
    RETURNING 1
  ) SELECT EXISTS (SELECT FROM held) AS held, greatest((SELECT count(*) FROM deleted),
      (SELECT count(*) FROM deleted_closings), (SELECT count(*) FROM deleted_proxies)) AS deleted`;

export class PostgresRetention implements JournalRetention {
  readonly #database: Database;
  readonly #leaseName: string;

  constructor({ database }: { readonly database: Database }, settings: { readonly leaseName: string }) {
    this.#database = database;
    this.#leaseName = settings.leaseName;
  }

  async deleteBefore(
    beforeMs: number,
    limit: number,
    { epoch, signal }: { readonly epoch: number; readonly signal: AbortSignal },
  ): Promise<number> {
    const values = [this.#leaseName, epoch, Math.floor(beforeMs), limit];
    const [row] = await this.#database.commit(DELETE_BEFORE, values, { signal });
    if (row?.['held'] !== true) throw new AuthorityError('CAP-S04', { detail: 'the lease of the journal is over' });
    return Number(row['deleted']);
  }
}
