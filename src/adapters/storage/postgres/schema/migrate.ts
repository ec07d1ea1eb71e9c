// Brings a database to the schema of this version, step by step. Each step is one transaction with the row of its version
// in it, so one that is interrupted has not begun; a lock makes servers that start together do it in turn.
import type { PostgresConnection } from '../connection/postgres-connection.ts';
import { PostgresProblem } from '../connection/postgres-problem.ts';
import { demandOwnSchema } from './demand-own-schema.ts';
import { unusable } from '../../schema-version.ts';
import { MIGRATIONS, USABLE_FROM } from './migrations.ts';

/** `CAPS` and a 1: of the lock that a step holds until its transaction ends. */
const LOCK = 0x43_41_50_53_01;
/** A step over many records takes its time; meanwhile nothing is issued by the server that does it. */
const STEP_WITHIN_MS = 30 * 60_000;

/** The one row is the version: what is updated in a step, and what a server writes to find out whether it can. */
const VERSION_TABLE = `CREATE TABLE IF NOT EXISTS schema_version (
  one boolean PRIMARY KEY DEFAULT true CHECK (one), version integer NOT NULL, usable_from integer NOT NULL)`;
const SELECT_VERSION = 'SELECT version, usable_from AS "usableFrom" FROM schema_version';
/** Why the tables cannot be made, or those that are there not changed (postgresql.org/docs/current/functions-info.html). */
const LACKING = `SELECT CASE
  WHEN to_regclass('decisions') IS NULL AND has_schema_privilege(current_schema(), 'CREATE') IS NOT TRUE
    THEN 'has no schema in which this user may make the tables: look at who owns the database, and at its search_path'
  WHEN NOT pg_has_role((SELECT relowner FROM pg_class WHERE oid = to_regclass('decisions')), 'USAGE')
    THEN 'has tables that another user owns: this one has to' END AS lacking`;
const HAS_VERSION = "SELECT to_regclass('schema_version') IS NOT NULL AS there";

/**
 * Several servers may do it at once.
 * @param steps for tests, which have others.
 * @throws PostgresProblem `misconfigured` when a newer version of Capstan has migrated it, and more than added to it.
 */
export async function migrate(connection: PostgresConnection, steps: readonly string[] = MIGRATIONS): Promise<void> {
  while ((await versionOf(connection, steps.length)) < steps.length) await takeStep(connection, steps);
}

/**
 * @returns the schema version; 0 of a database without one.
 * @throws PostgresProblem when it is not for a server that knows the versions up to `newest`, or is not ours alone.
 */
export async function versionOf(connection: PostgresConnection, newest = MIGRATIONS.length): Promise<number> {
  await demandOwnSchema(connection);
  const [has] = await connection.query({ text: HAS_VERSION });
  const [row] = has?.['there'] === true ? await connection.query({ text: SELECT_VERSION }) : [];
  const version = Number(row?.['version'] ?? 0);
  const problem = unusable({ version, usableFrom: Number(row?.['usableFrom'] ?? version) }, newest);
  if (problem !== undefined) throw new PostgresProblem('misconfigured', `the database ${problem}`);
  return version;
}

/**
 * Takes the steps that a database has lost, as one does that took over before it had them, or was put back. One without any
 * version has lost more than that, and is left as it is.
 * @throws PostgresProblem `misconfigured` also for one without a version.
 */
export async function keepMigrated(connection: PostgresConnection): Promise<void> {
  const [row] = await connection.query({ text: SELECT_VERSION });
  if (Number(row?.['version'] ?? MIGRATIONS.length) < MIGRATIONS.length) await migrate(connection);
}

/**
 * What `migrate` would end with, without a change to the database.
 * @throws PostgresProblem `misconfigured` when the schema is not for this version, or is not this user's to make.
 */
export async function checkSchema(connection: PostgresConnection): Promise<void> {
  await versionOf(connection);
  const [row] = await connection.query({ text: LACKING });
  const lacking = row?.['lacking'];
  if (typeof lacking === 'string') throw new PostgresProblem('misconfigured', `the database ${lacking}`);
}

async function takeStep(connection: PostgresConnection, steps: readonly string[]): Promise<void> {
  await connection.run('BEGIN');
  try {
    // The lock is waited for no longer than any other; the step itself may take long.
    await connection.run(`SELECT pg_advisory_xact_lock(${LOCK}); SET LOCAL statement_timeout = 0; ${VERSION_TABLE}`);
    const version = await versionOf(connection, steps.length);
    const step = steps[version];
    if (step !== undefined) {
      await connection.run(`${step}; ${noting(version + 1)}`, STEP_WITHIN_MS);
    }
    await connection.commit({ text: 'COMMIT' });
  } catch (cause) {
    if (connection.usable) await connection.run('ROLLBACK').catch(() => connection.destroy());
    throw cause;
  }
}

/** Between two steps it is for no older server than the one whose last step it was. */
function noting(version: number): string {
  const usableFrom = Math.min(version, USABLE_FROM);
  return `DELETE FROM schema_version;
    INSERT INTO schema_version (version, usable_from) VALUES (${version}, ${usableFrom})`;
}
