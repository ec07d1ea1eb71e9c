// The journal's tables of identities that ended in SQLite, and what is asked of them and of the decisions for them.
import { MAX_LOOKED_THROUGH } from '../../../../ports/storage/pod-issuances.ts';
import { CHAIN_COLUMNS } from '../../chain-records.ts';
import { CLOSING_COLUMNS, CLOSING_KEY, POD_ISSUANCE } from '../../closing-records.ts';

/**
 * One row for each pod, identity and account that ended; and until when the ends of each cluster are on record. Reasons are
 * not checked, so that a further one needs no migration.
 */
export const CLOSINGS = `
  CREATE TABLE closings (
    id INTEGER PRIMARY KEY, time_ms INTEGER NOT NULL, identity TEXT NOT NULL, reason TEXT NOT NULL, cluster TEXT NOT NULL,
    remote_cluster TEXT NOT NULL, namespace TEXT NOT NULL, pod_name TEXT NOT NULL, pod_uid TEXT NOT NULL,
    service_account_uid TEXT NOT NULL, node_name TEXT, last_seen_ms INTEGER, live_certificates INTEGER NOT NULL,
    latest_end_ms INTEGER NOT NULL, serials TEXT NOT NULL
  ) STRICT;
  CREATE UNIQUE INDEX closings_once ON closings (${CLOSING_KEY.join(', ')});
  CREATE INDEX closings_by_time ON closings (time_ms);
  CREATE INDEX closings_by_identity ON closings (identity, time_ms);
  CREATE TABLE closings_followed (remote_cluster TEXT PRIMARY KEY, until_ms INTEGER NOT NULL) STRICT;`;
/** The schema version that brought them. */
export const CLOSINGS_SINCE_VERSION = 10;
/** The schema version since which decisions say of whom an API server vouched. */
export const ATTESTED_SINCE_VERSION = 9;

const INSERTED = [...Object.values(CLOSING_COLUMNS), ...Object.values(CHAIN_COLUMNS)];
/** Also where it is in its chain, after the fields. */
export const INSERT_CLOSING = `INSERT INTO closings (${INSERTED.join(', ')})
  VALUES (${INSERTED.map(() => '?').join(', ')}) ON CONFLICT DO NOTHING`;
/** Parameters: id of the remote cluster or empty, moment in ms. */
export const KEEP_FOLLOWED = `INSERT INTO closings_followed (remote_cluster, until_ms) VALUES (?, ?)
  ON CONFLICT (remote_cluster) DO UPDATE SET until_ms = excluded.until_ms`;
/** In the order of their fields. */
export const SELECT_CLOSINGS = `SELECT ${Object.values(CLOSING_COLUMNS).join(', ')} FROM closings`;
/** Parameter: UIDs as JSON. */
export const SELECT_CLOSED = `SELECT pod_uid AS podUid, service_account_uid AS serviceAccountUid, identity,
    remote_cluster AS remoteCluster
  FROM closings WHERE pod_uid IN (SELECT value FROM json_each(?))`;
/** Parameter: id of the remote cluster or empty. */
export const SELECT_FOLLOWED = 'SELECT until_ms AS untilMs FROM closings_followed WHERE remote_cluster = ?';

const NAMED = Object.entries(POD_ISSUANCE).map(([field, column]) => `${column} AS ${field}`);
/** Parameters: SPIFFE ID, remote cluster or NULL, UIDs as JSON. What was relayed says in its policy for which pods it is. */
export const SELECT_ISSUED_TO = `SELECT * FROM (
    SELECT ${NAMED.join(', ')} FROM decisions WHERE coalesce(identity, caller) = ? AND not_after_ms > 0
    ORDER BY not_after_ms DESC LIMIT ${MAX_LOOKED_THROUGH})
  WHERE attestation IS NOT NULL AND remoteCluster IS ?
    AND (relayedPolicy IS NOT NULL OR podUid IN (SELECT value FROM json_each(?)))`;
/** The moment of the first decision beyond a page of the decisions from a moment on; parameters: from and to in ms, page. */
export const SELECT_PAGE_END = `SELECT time_ms AS timeMs FROM decisions INDEXED BY decisions_by_time
  WHERE time_ms >= ? AND time_ms < ? ORDER BY time_ms LIMIT 1 OFFSET ?`;
/** Parameters: from and to in ms, remote cluster or NULL. */
export const SELECT_ISSUED_BETWEEN = `SELECT ${NAMED.join(', ')} FROM decisions INDEXED BY decisions_by_time
  WHERE time_ms >= ? AND time_ms < ? AND outcome = 'issued' AND attestation IS NOT NULL AND remote_cluster IS ?
  ORDER BY time_ms`;
