// The journal's tables of what proxies acknowledged in SQLite, and what is asked of them and of the decisions as evidence of
// trust: by the index of identities, in which what is valid of each lies together, so nothing that has ended is looked at.
import { PROXY_COLUMNS } from '../../readings/evidence-records.ts';

/** One row for each proxy of a workload, and one for each bundle that was ever handed out; its anchors are JSON. */
export const EVIDENCE = `
  ALTER TABLE decisions ADD COLUMN presented_anchor TEXT;
  ALTER TABLE decisions ADD COLUMN bundle TEXT;
  CREATE TABLE bundles (digest TEXT PRIMARY KEY, anchors TEXT NOT NULL) STRICT;
  CREATE TABLE proxies (
    identity TEXT NOT NULL, remote_cluster TEXT NOT NULL, pod_uid TEXT NOT NULL, proxy TEXT NOT NULL, bundle TEXT,
    time_ms INTEGER NOT NULL, seen_ms INTEGER NOT NULL, rejection TEXT, rejected_ms INTEGER,
    leaf_anchor TEXT, leaf_end_ms INTEGER,
    PRIMARY KEY (identity, remote_cluster, pod_uid, proxy)
  ) STRICT;`;
/** The schema version that brought them. */
export const EVIDENCE_SINCE_VERSION = 12;

const COLUMNS = Object.values(PROXY_COLUMNS);
/**
 * Parameters in the order of `PROXY_COLUMNS`. What is there already and newer stays, and so does a leaf until the proxy has
 * acknowledged another: one that is back may have it still.
 */
export const KEEP_PROXY = `INSERT INTO proxies (${COLUMNS.join(', ')}) VALUES (${COLUMNS.map(() => '?').join(', ')})
  ON CONFLICT (identity, remote_cluster, pod_uid, proxy) DO UPDATE SET bundle = excluded.bundle, time_ms = excluded.time_ms,
    seen_ms = excluded.seen_ms, rejection = excluded.rejection, rejected_ms = excluded.rejected_ms,
    leaf_anchor = coalesce(excluded.leaf_anchor, leaf_anchor), leaf_end_ms = coalesce(excluded.leaf_end_ms, leaf_end_ms)
  WHERE excluded.seen_ms >= seen_ms`;
/** Parameters: digest, anchors as JSON. */
export const KEEP_BUNDLE = 'INSERT INTO bundles (digest, anchors) VALUES (?, ?) ON CONFLICT DO NOTHING';
/** As of decisions. */
export const DELETE_PROXIES_BEFORE = `DELETE FROM proxies WHERE rowid IN
  (SELECT rowid FROM proxies WHERE seen_ms < ? LIMIT ?)`;

export const SELECT_BUNDLES = 'SELECT digest, anchors FROM bundles';
const PROXY = Object.entries(PROXY_COLUMNS).map(([field, column]) => `${column} AS ${field}`);
/** Parameter: SPIFFE ID. */
export const SELECT_PROXIES_OF = `SELECT ${PROXY.join(', ')} FROM proxies WHERE identity = ?`;
export const SELECT_PROXIES = `SELECT ${PROXY.join(', ')} FROM proxies`;

/** The first subject of a decision after another in the order of the index. Parameter: that one, empty for the first. */
export const SELECT_NEXT_SUBJECT = `SELECT coalesce(identity, caller) AS subject FROM decisions
  WHERE coalesce(identity, caller) > ? ORDER BY coalesce(identity, caller) LIMIT 1`;
