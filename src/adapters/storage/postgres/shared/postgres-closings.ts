// Identities that ended go on record in the shared journal by whoever holds its lease, as old records leave it.
import { AuthorityError } from '../../../../domain/errors.ts';
import type { ClosingJournal, ClosingRecord, FollowedUntil } from '../../../../ports/storage/closing-journal.ts';
import { recordsAsJson } from '../../storable-json.ts';
import { RECORD_CLOSINGS } from '../writing/statements.ts';
import type { Database } from './database.ts';

export class PostgresClosings implements ClosingJournal {
  readonly #database: Database;
  readonly #leaseName: string;

  constructor({ database }: { readonly database: Database }, settings: { readonly leaseName: string }) {
    this.#database = database;
    this.#leaseName = settings.leaseName;
  }

  async recordClosings(
    closings: readonly ClosingRecord[],
    followed: FollowedUntil | undefined,
    { epoch, signal }: { readonly epoch: number; readonly signal: AbortSignal },
  ): Promise<void> {
    const { remoteCluster = '', untilMs } = followed ?? {};
    const until = untilMs === undefined ? null : Math.floor(untilMs);
    const values = [this.#leaseName, epoch, recordsAsJson(closings), remoteCluster, until];
    const [row] = await this.#database.commit(RECORD_CLOSINGS, values, { signal });
    if (row?.['held'] !== true) throw new AuthorityError('CAP-S04', { detail: 'the lease of the journal is over' });
    const recorded = Number(row['recorded']);
    if (recorded === closings.length) return;
    const kept = `PostgreSQL kept ${recorded} of ${closings.length} closings`;
    throw new AuthorityError('CAP-S04', {
      detail: `${kept}: take the triggers, rules and row policies off its tables`,
    });
  }
}
