// The journal's tables in PostgreSQL: names and columns are those of the embedded journal.

/**
 * The index of `decision_id` is what makes a record that is sent twice be recorded once. That by identity also ends the
 * search for a valid certificate early: a refusal has no `not_after_ms`. `subject` is a column, and no expression in the
 * index as in the embedded journal, because an index that has an expression is never read without the table
 * (postgresql.org/docs/current/indexes-index-only-scans.html).
 */
export const DECISIONS = `
  CREATE TABLE decisions (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    decision_id text NOT NULL,
    time_ms bigint NOT NULL,
    outcome text NOT NULL CHECK (outcome IN ('issued', 'refused')),
    api text NOT NULL,
    remote_address text NOT NULL,
    caller text, authentication_method text, credential_id text, pod_name text, pod_uid text, node_name text,
    policy_revision text, identity text, serial text, issuer text, issuer_name text, trust_anchor text,
    not_before_ms bigint, not_after_ms bigint, key_type text, reason text, message text, policy text,
    proof_id text, proven_at_ms bigint, count bigint,
    subject text GENERATED ALWAYS AS (coalesce(identity, caller)) STORED,
    CONSTRAINT decisions_by_decision_id UNIQUE (decision_id)
  );
  CREATE INDEX decisions_by_time ON decisions (time_ms, id);
  CREATE INDEX decisions_by_identity ON decisions (subject, not_after_ms, time_ms, id);
  CREATE INDEX decisions_by_relay ON decisions (caller, time_ms, id) WHERE identity <> caller;
  CREATE INDEX decisions_by_refusal ON decisions (time_ms, id) WHERE outcome = 'refused';`;

export const ISSUERS = `
  CREATE TABLE issuers (
    id text PRIMARY KEY, certificate bytea NOT NULL, longest_leaf_ms bigint NOT NULL, until_ms bigint NOT NULL
  );`;

export const OPERATIONS = `
  CREATE TABLE operations (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
    time_ms bigint NOT NULL, operation text NOT NULL, was text NOT NULL, became text NOT NULL
  );`;
