// A table that somebody keeps for himself, as one does who forgot to commit.
import { eventually } from '../eventually.ts';
import type { PostgresCluster } from './cluster.ts';

/** Longer than any test. */
const HELD_SECONDS = 600;
const HELD = { withinMs: 60_000 };

export interface TableLock extends AsyncDisposable {
  readonly release: () => Promise<void>;
}

/** Keeps everybody else off a table of the cluster's database, from when this resolves until it is released. */
export async function lockTable(cluster: PostgresCluster, table: string): Promise<TableLock> {
  const holder = `lock of ${table}`;
  const statements = [
    `SET application_name = '${holder}'`,
    'BEGIN',
    `LOCK TABLE ${table}`,
    `SELECT pg_sleep(${HELD_SECONDS})`,
  ];
  // Its session is ended when it is released, of which it complains.
  const held = cluster.query(statements.join('; ')).catch(() => undefined);
  const isHeld = async (): Promise<boolean> =>
    (
      await cluster.query(
        `SELECT 1 FROM pg_stat_activity WHERE application_name = '${holder}' AND wait_event = 'PgSleep'`,
      )
    ).length > 0;
  await eventually(`the ${holder} is held`, isHeld, HELD);
  const release = async (): Promise<void> => {
    await cluster.query(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = '${holder}'`);
    await held;
  };
  return { release, [Symbol.asyncDispose]: release };
}
