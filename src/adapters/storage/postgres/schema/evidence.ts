// The tables of what proxies acknowledged in PostgreSQL: names and columns are those of the embedded journal.

/** A third of each page is free, so that a note that replaces another stays on its page. */
export const EVIDENCE = `
  ALTER TABLE decisions ADD COLUMN presented_anchor text, ADD COLUMN bundle text;
  CREATE TABLE bundles (digest text PRIMARY KEY, anchors text NOT NULL);
  CREATE TABLE proxies (
    identity text NOT NULL, remote_cluster text NOT NULL, pod_uid text NOT NULL, proxy text NOT NULL, bundle text,
    time_ms bigint NOT NULL, seen_ms bigint NOT NULL, rejection text, rejected_ms bigint,
    leaf_anchor text, leaf_end_ms bigint,
    PRIMARY KEY (identity, remote_cluster, pod_uid, proxy)
  ) WITH (fillfactor = 67);`;
