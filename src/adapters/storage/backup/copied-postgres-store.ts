// A PostgreSQL store, as a backup is made of it.
import type { Clock } from '../../../ports/platform/clock.ts';
import { PostgresPool } from '../postgres/connection/postgres-pool.ts';
import type { PostgresSettings } from '../postgres/connection/settings.ts';
import { PostgresJournalReader } from '../postgres/postgres-journal-reader.ts';
import type { CopiedStore } from './copied-store.ts';
import { SELECT_BUNDLES, SELECT_PROXIES } from '../postgres/reading/evidence-statements.ts';
import { evidenceFrom } from './kept-evidence.ts';
import { keptIssuer } from './kept-issuers.ts';
import { ledgersInPostgres } from './ledgers-in-postgres.ts';

/** An older schema has none. */
const HAS_EVIDENCE = "SELECT to_regclass('proxies') IS NOT NULL AS there";
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
    evidence: async (waits) => {
      const [row] = await pool.query(HAS_EVIDENCE, [], waits);
      if (row?.['there'] !== true) return { bundles: [], proxies: [] };
      return evidenceFrom(await pool.query(SELECT_BUNDLES, [], waits), await pool.query(SELECT_PROXIES, [], waits));
    },
    ledgers: async (waits) => ledgersInPostgres(pool, waits),
    async [Symbol.asyncDispose]() {
      await pool[Symbol.asyncDispose]();
      await reader[Symbol.asyncDispose]();
    },
  };
}
