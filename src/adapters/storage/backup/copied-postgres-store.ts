// A PostgreSQL store, as a backup is made of it.
import type { Clock } from '../../../ports/platform/clock.ts';
import { PostgresPool } from '../postgres/connection/postgres-pool.ts';
import type { PostgresSettings } from '../postgres/connection/settings.ts';
import { PostgresJournalReader } from '../postgres/postgres-journal-reader.ts';
import type { CopiedStore } from './copied-store.ts';
import { keptIssuer } from './kept-issuers.ts';

const SELECT_ISSUERS = 'SELECT id, certificate, longest_leaf_ms, until_ms FROM issuers';

/** @throws AuthorityError as its reader. */
export async function copyPostgresStore(
  parts: { readonly clock: Pick<Clock, 'after' | 'monotonicMs'> },
  settings: PostgresSettings,
  options: { readonly signal: AbortSignal },
): Promise<CopiedStore> {
  const reader = await PostgresJournalReader.open(parts, settings, options);
  const pool = new PostgresPool(parts, { ...settings, maxConnections: 1 });
  return {
    reader,
    issuers: async (waits) => (await pool.query(SELECT_ISSUERS, [], waits)).map(keptIssuer),
    async [Symbol.asyncDispose]() {
      await pool[Symbol.asyncDispose]();
      await reader[Symbol.asyncDispose]();
    },
  };
}
