// Whether a database can be recorded in, asked when nobody else asks.
import { keepMigrated } from '../schema/migrate.ts';
import { BEGIN_PROBE, END_PROBE, PROBE_RECORD } from '../writing/statements.ts';
import type { PostgresConnection } from './postgres-connection.ts';
import { PostgresProblem } from './postgres-problem.ts';

/** After a failure. @throws PostgresProblem while a record could not be written. */
export async function probe(connection: PostgresConnection): Promise<void> {
  try {
    await keepMigrated(connection);
    await connection.run(BEGIN_PROBE);
    await connection.query({ text: PROBE_RECORD, writes: 1 });
    await connection.run(END_PROBE);
    await connection.commit({ text: 'COMMIT' });
  } catch (cause) {
    // What is left of its transaction goes with the connection.
    connection.destroy();
    throw cause;
  }
}

/**
 * A host that became a standby while it kept its connections would show it only to a write; one that took over may lack the last step
 * of the schema.
 */
export async function look(connection: PostgresConnection): Promise<void> {
  const [row] = await connection.query({ text: 'SELECT pg_is_in_recovery() AS standby' });
  if (row?.['standby'] === true)
    throw new PostgresProblem('read-only', 'PostgreSQL is a standby now, and takes no writes');
  await keepMigrated(connection);
}
