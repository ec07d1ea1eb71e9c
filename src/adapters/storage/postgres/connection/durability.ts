// What a PostgreSQL does with a commit, and what a crash or a failover could therefore lose, in words for an operator.
import type { PostgresConnection } from './postgres-connection.ts';

/** As the server has them for a session of ours; postgresql.org/docs/current/runtime-config-wal.html and -replication.html. */
export interface Durability {
  readonly fsync: boolean;
  readonly fullPageWrites: boolean;
  readonly synchronousCommit: string;
  /** Empty: a commit waits for no standby. */
  readonly synchronousStandbyNames: string;
  /** That follow at this moment. */
  readonly standbys: number;
}

const SELECT = `SELECT current_setting('fsync')::boolean AS "fsync",
  current_setting('full_page_writes')::boolean AS "fullPageWrites",
  current_setting('synchronous_commit') AS "synchronousCommit",
  current_setting('synchronous_standby_names') AS "synchronousStandbyNames",
  (SELECT count(*) FROM pg_stat_replication) AS "standbys"`;

/** @throws PostgresProblem */
export async function durabilityOf(connection: PostgresConnection): Promise<Durability> {
  const [row] = await connection.query({ text: SELECT });
  return row as unknown as Durability;
}

/** @param hosts how many the configuration names. @returns each way in which a confirmed record could be lost. */
export function durabilityWarnings(durability: Durability, hosts: number): readonly string[] {
  const { fsync, fullPageWrites, synchronousCommit, synchronousStandbyNames, standbys } = durability;
  const failsOver = hosts > 1 || standbys > 0;
  return [
    ...when(
      !fsync,
      'fsync is off in PostgreSQL: a crash of its machine can lose records of certificates that are in use',
    ),
    ...when(
      !fullPageWrites,
      'full_page_writes is off in PostgreSQL: a crash of its machine can damage the journal, unless its file system never tears a page',
    ),
    ...when(
      synchronousCommit !== 'on' && synchronousCommit !== 'remote_apply',
      `synchronous_commit is ${synchronousCommit} although Capstan sets it: something between resets sessions, and a crash can lose records`,
    ),
    ...when(
      failsOver && synchronousStandbyNames.trim() === '',
      'synchronous_standby_names is empty in PostgreSQL: a failover can lose the last records, and their certificates stay in use',
    ),
  ];
}

const when = (so: boolean, warning: string): readonly string[] => (so ? [warning] : []);
