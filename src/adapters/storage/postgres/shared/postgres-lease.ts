// The right to a chore as a row of the shared store. The database's clock tells when the row may pass to another holder;
// our own monotonic clock, counted from before each renewal was sent, tells us to stop earlier than that. A holder that
// was stopped for longer than any clock tells writes nothing: what it does is conditional on its epoch, which is over.
import { SharedLease, type GrantedTerm } from '../../../../live/shared-lease.ts';
import type { Clock } from '../../../../ports/platform/clock.ts';
import type { Database } from './database.ts';

export interface PostgresLeaseParts {
  readonly database: Database;
  readonly clock: Pick<Clock, 'monotonicMs' | 'sleep' | 'after'>;
}

export interface PostgresLeaseSettings {
  /** What the lease is for; each name is a lease of its own. */
  readonly name: string;
  /** Of this process and of no other, also not of its next start. */
  readonly holder: string;
}

const TIMES = { termMs: 15_000, renewEveryMs: 4_000, marginMs: 2_000, lookEveryMs: 3_000 };

/**
 * Free, over, or left to ourselves by a try whose answer we never got: only then does it change, and the epoch rises: to the
 * database's clock, in ms. Counted on by one, it would be the same for two holders when a failover loses that the first of them took it.
 * Parameters: name, holder, term in ms.
 */
const TAKE = `INSERT INTO leases AS lease (name, holder, epoch, expires_at)
  VALUES ($1, $2, floor(extract(epoch FROM clock_timestamp()) * 1000)::bigint,
    clock_timestamp() + $3::bigint * interval '1 ms')
  ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, epoch = greatest(lease.epoch + 1, excluded.epoch),
    expires_at = clock_timestamp() + $3::bigint * interval '1 ms'
  WHERE lease.expires_at <= clock_timestamp() OR lease.holder = excluded.holder
  RETURNING epoch`;
/** Also when the term is over and nobody has taken it. Parameters: name, epoch, term in ms. */
const RENEW = `UPDATE leases SET expires_at = clock_timestamp() + $3::bigint * interval '1 ms'
  WHERE name = $1 AND epoch = $2 RETURNING epoch`;
/** The row stays, for its epoch. Parameters: name, epoch. */
const RELEASE = "UPDATE leases SET expires_at = '-infinity' WHERE name = $1 AND epoch = $2";

export class PostgresLease extends SharedLease {
  constructor({ database, clock }: PostgresLeaseParts, settings: PostgresLeaseSettings) {
    super({ clock, take: async (options) => taken(database, settings, options) }, TIMES);
  }
}

async function taken(
  database: Database,
  { name, holder }: PostgresLeaseSettings,
  options: { readonly signal: AbortSignal },
): Promise<GrantedTerm | undefined> {
  const [row] = await database.commit(TAKE, [name, holder, TIMES.termMs], options);
  if (row === undefined) return undefined;
  const epoch = Number(row['epoch']);
  return {
    epoch,
    renew: async (renewing) => (await database.commit(RENEW, [name, epoch, TIMES.termMs], renewing)).length > 0,
    release: async () => {
      const releasing = { signal: AbortSignal.timeout(TIMES.marginMs) };
      // One that cannot be released passes on when its term is over.
      await database.commit(RELEASE, [name, epoch], releasing).catch(() => undefined);
    },
  };
}
