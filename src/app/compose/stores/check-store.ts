// The store of a configuration, looked at without a server: whether its database lets us in and make the tables, and what a
// crash or a failover of it could lose.
import { SystemClock } from '../../../adapters/clock/system-clock.ts';
import { durabilityOf, durabilityWarnings } from '../../../adapters/storage/postgres/connection/durability.ts';
import { PostgresPool } from '../../../adapters/storage/postgres/connection/postgres-pool.ts';
import { problemBehind } from '../../../adapters/storage/postgres/connection/postgres-problem.ts';
import { checkSchema } from '../../../adapters/storage/postgres/schema/migrate.ts';
import type { Config } from '../../../config/schema.ts';

export interface CheckedStore {
  /** With which a server would not start. */
  readonly problem?: string;
  /** Why it could not be asked: nothing is known to be wrong, and a server would wait for it. */
  readonly away?: string;
  readonly warnings: readonly string[];
}

/** Changes nothing. A file is looked at by the server that opens it. */
export async function checkStore(
  { journal: { store, postgres } }: Pick<Config, 'journal'>,
  { signal }: { readonly signal: AbortSignal },
): Promise<CheckedStore> {
  if (store.kind === 'sqlite') return { warnings: [] };
  await using pool = new PostgresPool({ clock: new SystemClock() }, { ...store, ...postgres, maxConnections: 1 });
  try {
    const durability = await pool.use(
      async (connection) => {
        await checkSchema(connection);
        return durabilityOf(connection);
      },
      { signal },
    );
    return { warnings: durabilityWarnings(durability, store.hosts.length) };
  } catch (cause) {
    const problem = problemBehind(cause);
    if (problem === undefined) throw cause;
    return problem.kind === 'misconfigured'
      ? { problem: problem.message, warnings: [] }
      : { away: `could not be asked, so what a crash could lose is not known: ${problem.message}`, warnings: [] };
  }
}
