// A connection to read with for as long as it takes, in one snapshot of the database: what is recorded meanwhile is not
// seen (postgresql.org/docs/current/transaction-iso.html, 13.2.2).
import type { PostgresConnection } from '../connection/postgres-connection.ts';
import type { PostgresPool } from '../connection/postgres-pool.ts';

interface Waits {
  readonly signal: AbortSignal;
}

/** Going through ten million decisions takes less; a database that answers no more is noticed in the end. */
export const LONG_MS = 30 * 60_000;

const BEGIN = `BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY; SET LOCAL statement_timeout = ${LONG_MS};
  SET LOCAL idle_in_transaction_session_timeout = ${LONG_MS}`;

/** The connection is given up when the signal aborts: what runs there would go on. */
export async function inSnapshot<T>(
  pool: PostgresPool,
  work: (connection: PostgresConnection) => Promise<T>,
  { signal }: Waits,
): Promise<T> {
  return pool.use(
    async (connection) => {
      const giveUp = (): void => connection.destroy();
      signal.addEventListener('abort', giveUp, { once: true });
      try {
        await connection.run(BEGIN);
        return await work(connection);
      } finally {
        signal.removeEventListener('abort', giveUp);
        // Nothing was changed, so how it ends does not matter.
        if (connection.usable) await connection.run('ROLLBACK').catch(() => connection.destroy());
      }
    },
    { signal },
  );
}

/** Such a connection for somebody who reads bit by bit: until it is disposed of. */
export async function snapshot(
  pool: PostgresPool,
  options: Waits,
): Promise<{ readonly connection: PostgresConnection } & AsyncDisposable> {
  const lent = Promise.withResolvers<PostgresConnection>();
  const over = Promise.withResolvers<undefined>();
  const lending = inSnapshot(
    pool,
    async (connection) => {
      lent.resolve(connection);
      await over.promise;
    },
    options,
  );
  lending.catch((cause: unknown) => lent.reject(cause));
  return {
    connection: await lent.promise,
    async [Symbol.asyncDispose]() {
      over.resolve(undefined);
      await lending.catch(() => undefined);
    },
  };
}
