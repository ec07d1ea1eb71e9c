// The tables of identities that ended in PostgreSQL: names and columns are those of the embedded journal.
import { CLOSING_KEY } from '../../closing-records.ts';

export const CLOSINGS = `
  CREATE TABLE closings (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    time_ms bigint NOT NULL, identity text NOT NULL, reason text NOT NULL, cluster text NOT NULL, remote_cluster text NOT NULL,
    namespace text NOT NULL, pod_name text NOT NULL, pod_uid text NOT NULL, service_account_uid text NOT NULL, node_name text,
    last_seen_ms bigint, live_certificates bigint NOT NULL, latest_end_ms bigint NOT NULL, serials text NOT NULL,
    CONSTRAINT closings_once UNIQUE (${CLOSING_KEY.join(', ')})
  );
  CREATE INDEX closings_by_time ON closings (time_ms, id);
  CREATE INDEX closings_by_identity ON closings (identity, time_ms, id);
  CREATE TABLE closings_followed (remote_cluster text PRIMARY KEY, until_ms bigint NOT NULL);`;
