// What the inventory asks of a PostgreSQL, as SQL. Parameters that are many are one text of JSON.
import { EXPIRED } from '../../../../domain/inventory/entry.ts';
import { CLOSING_COLUMNS } from '../../closing-records.ts';
import { PROXY_COLUMNS } from '../../readings/evidence-records.ts';
import { DECISION_COLUMNS } from '../../records.ts';
import { ENTRY_FIELDS, READ_FIELDS } from '../entry-rows.ts';
import { endEntry, upsertEntry } from '../entry-statements.ts';

/**
 * One follows at a time, for each holds the row of the progress. What is lost in a crash is read again, so no commit waits for the disk
 * or for a standby.
 */
export const BEGIN_STEP = `SET LOCAL synchronous_commit TO off;
  INSERT INTO inventory_progress DEFAULT VALUES ON CONFLICT DO NOTHING`;
export const HOLD_PROGRESS = `SELECT turn, decisions, closings, as_of_ms AS "asOfMs" FROM inventory_progress FOR UPDATE`;
export const SELECT_PROGRESS = 'SELECT as_of_ms AS "asOfMs" FROM inventory_progress';
/** Parameters: turn, last settled decision and closing, moment or NULL. */
export const KEEP_PROGRESS = `UPDATE inventory_progress SET turn = $1, decisions = $2, closings = $3,
  as_of_ms = coalesce($4::bigint, as_of_ms)`;
/** As texts: they are beyond what a number holds. */
export const SELECT_SNAPSHOT = `SELECT pg_snapshot_xmin(seen)::text AS xmin, pg_snapshot_xmax(seen)::text AS xmax
  FROM pg_current_snapshot() AS seen`;

/** Parameters: last row, missing rows as JSON, how many at most. */
export const SELECT_DECISIONS = following(
  'decisions',
  `${named(Object.fromEntries(READ_FIELDS.map((field) => [field, DECISION_COLUMNS[field]])))},
    CASE WHEN outcome = 'issued' THEN policy::json ->> 'class' END AS class, CASE WHEN caller <> identity THEN policy END AS "relayedPolicy"`,
);
export const SELECT_CLOSINGS = following('closings', named(CLOSING_COLUMNS));

/** Those that are missing and those that are new are each found by their numbers. */
function following(table: string, columns: string): string {
  return `(SELECT id, ${columns} FROM ${table} WHERE id IN (SELECT json_array_elements_text($2::json)::bigint))
    UNION ALL (SELECT id, ${columns} FROM ${table} WHERE id > $1 ORDER BY id LIMIT $3) ORDER BY id`;
}

const TYPED = ENTRY_FIELDS.map((field) => `"${field}" ${field.endsWith('Ms') ? 'bigint' : 'text'}`).join(', ');
const GIVEN = `SELECT ${ENTRY_FIELDS.map((field) => `given."${field}"`).join(', ')} FROM json_to_recordset($1::json) AS given (${TYPED})
  WHERE true`;
/** Parameter: entries as JSON, each key once. */
export const UPSERT = upsertEntry(GIVEN);
export const END = endEntry(GIVEN);
/** Each with the parameter: entries as JSON. */
export const KEEP_CERTIFICATES = keepingSerials('inventory_certificates');
export const KEEP_REPORTED = keepingSerials('inventory_reported');

function keepingSerials(table: string): string {
  return `INSERT INTO ${table} (serial, entry, not_after_ms) SELECT given.serial, entries.id, given."notAfterMs"
    FROM json_to_recordset($1::json) AS given (serial text, "notAfterMs" bigint, identity text, cluster text, "podUid" text)
      JOIN inventory_entries AS entries ON entries.identity = given.identity AND entries.cluster = given.cluster
        AND entries.pod_uid = given."podUid"
    ON CONFLICT DO NOTHING`;
}

/** Each with the parameters: moment in ms, how many at most. */
export const FORGETTING = [
  `UPDATE inventory_entries SET ended_ms = not_after_ms, end_reason = '${EXPIRED}' WHERE id IN
    (SELECT id FROM inventory_entries WHERE ended_ms IS NULL AND not_after_ms <= $1 ORDER BY not_after_ms LIMIT $2) RETURNING 1`,
  `DELETE FROM inventory_certificates WHERE (serial, entry) IN
    (SELECT serial, entry FROM inventory_certificates WHERE not_after_ms <= $1 ORDER BY not_after_ms LIMIT $2) RETURNING 1`,
] as const;
/** Each with the parameters: since when what has ended is kept, in ms, how many at most. */
export const FORGETTING_ENDED = [
  `DELETE FROM inventory_entries WHERE id IN
    (SELECT id FROM inventory_entries WHERE ended_ms < $1 ORDER BY ended_ms LIMIT $2) RETURNING 1`,
  `DELETE FROM inventory_reported WHERE (entry, serial) IN
    (SELECT entry, serial FROM inventory_reported WHERE not_after_ms < $1 ORDER BY not_after_ms LIMIT $2) RETURNING 1`,
] as const;

/**
 * A page is found by the index that has its order. The planner would rather sort what has one namespace, and read all of it from the disk,
 * or go through the table where its statistics are old.
 */
export const BY_ORDERED_INDEX = `SET LOCAL enable_sort = off; SET LOCAL enable_bitmapscan = off; SET LOCAL enable_seqscan = off;
  SET LOCAL jit = off`;

/** For a few rows each is looked up, however old the statistics of the table are. */
export const BY_INDEX = `SET LOCAL enable_hashjoin = off; SET LOCAL enable_mergejoin = off; SET LOCAL enable_material = off;
  SET LOCAL enable_bitmapscan = off; SET LOCAL enable_seqscan = off; SET LOCAL jit = off`;

/**
 * Parameter: keys of entries as JSON, each as whoever wrote the note may have called its cluster. All of the key is named, or else
 * thousands of pods that have one identity are gone through.
 */
export const SELECT_PROXIES_OF = `SELECT asked.cluster AS "ofCluster", ${named(PROXY_COLUMNS, 'proxies.')}
  FROM json_to_recordset($1::json) AS asked (identity text, cluster text, "remoteCluster" text, "podUid" text)
    JOIN proxies ON proxies.identity = asked.identity AND proxies.remote_cluster = asked."remoteCluster"
      AND proxies.pod_uid = asked."podUid"`;

function named(columns: Readonly<Record<string, string>>, table = ''): string {
  return Object.entries(columns)
    .map(([field, column]) => `${table}${column} AS "${field}"`)
    .join(', ');
}
