// The tables of what servers share beside the journal: few rows each, found by their keys.

export const LEASES = `
  CREATE TABLE leases (
    name text PRIMARY KEY, holder text NOT NULL, epoch bigint NOT NULL, expires_at timestamptz NOT NULL
  );`;

/** Of one trust domain each. */
export const POLICY_BUNDLE_STATES = `
  CREATE TABLE policy_bundle_states (
    trust text PRIMARY KEY, revision bigint NOT NULL, name text NOT NULL, sequence bigint NOT NULL, digest text NOT NULL,
    latest_seen_ms bigint NOT NULL
  );`;

/**
 * `asked` and `lent` are of the last question, `level` is of `leaked_at`. Half of each page is free, so that a change stays on its
 * page and leaves the index alone.
 */
export const QUOTA_BUCKETS = `
  CREATE TABLE quota_buckets (
    central boolean NOT NULL, key text NOT NULL, per_minute float8 NOT NULL, asked float8 NOT NULL, lent float8 NOT NULL,
    level float8 NOT NULL, leaked_at timestamptz NOT NULL, PRIMARY KEY (central, key)
  ) WITH (fillfactor = 50);`;

/** Of one trust domain each; the ledger is JSON. */
export const ISSUER_LEDGERS = ledgerTable('issuer_ledgers');
export const ANCHOR_LEDGERS = ledgerTable('anchor_ledgers');
export const BAN_LEDGERS = ledgerTable('ban_ledgers');

/** Of one trust domain each; the issuer's certificate and the list are DER in base64. */
export const CRLS = `
  CREATE TABLE crls (
    trust text NOT NULL, issuer text NOT NULL, number bigint NOT NULL, next_update_ms bigint NOT NULL,
    certificate text NOT NULL, der text NOT NULL, PRIMARY KEY (trust, issuer)
  );`;

/**
 * Of the text as it is, for a backslash means itself: made by the database, so that also what a server of before writes has one. It is
 * of the form that may stand there, which convert_to may not (postgresql.org/docs/current/ddl-generated-columns.html).
 */
export const LEDGER_DIGESTS = ['issuer_ledgers', 'anchor_ledgers', 'ban_ledgers']
  .map(
    (name) => `
  ALTER TABLE ${name} ADD COLUMN digest text
    GENERATED ALWAYS AS (encode(sha256(decode(replace(ledger, E'\\\\', E'\\\\\\\\'), 'escape')), 'hex')) STORED;`,
  )
  .join('');

function ledgerTable(name: string): string {
  return `
  CREATE TABLE ${name} (trust text PRIMARY KEY, revision bigint NOT NULL, ledger text NOT NULL);`;
}
