// Whoever can make functions and operators in the schema of the tables can have them run in our name: PostgreSQL prefers
// one that fits the types exactly to its own (postgresql.org/docs/current/typeconv-oper.html, and CVE-2018-1058).
import type { PostgresConnection } from '../connection/postgres-connection.ts';
import { PostgresProblem } from '../connection/postgres-problem.ts';

/**
 * Who else may: not a superuser, the owners of the database, the schema and the tables, nor this user. Up to PostgreSQL 14
 * everybody may in the schema `public`, unless that is revoked.
 */
const OTHERS = `SELECT quote_ident(nspname) AS schema,
    string_agg(DISTINCT CASE grantee WHEN 0 THEN 'PUBLIC' ELSE quote_ident(pg_get_userbyid(grantee)) END, ', ') AS others
  FROM pg_namespace, aclexplode(coalesce(nspacl, acldefault('n', nspowner)))
  WHERE nspname = current_schema() AND privilege_type = 'CREATE' AND grantee <> nspowner
    AND NOT EXISTS (SELECT FROM pg_roles WHERE oid = grantee AND
      (rolsuper OR rolname IN (current_user, 'pg_database_owner')
        OR oid IN (SELECT datdba FROM pg_database WHERE datname = current_database())
        OR oid IN (SELECT relowner FROM pg_class WHERE pg_class.oid = to_regclass('schema_version'))))
  GROUP BY nspname`;

/** @throws PostgresProblem `misconfigured` when somebody else can make objects in the schema of the tables. */
export async function demandOwnSchema(connection: PostgresConnection): Promise<void> {
  const [row] = await connection.query({ text: OTHERS });
  if (row === undefined) return;
  const [schema, others] = [String(row['schema']), String(row['others'])];
  throw new PostgresProblem(
    'misconfigured',
    `in the database, ${others} can make functions that run in Capstan's name: REVOKE CREATE ON SCHEMA ${schema} FROM ${others}`,
  );
}
