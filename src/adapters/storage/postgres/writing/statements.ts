// What the journal writes into PostgreSQL, as SQL, and the records as one text for one round trip.
import type { ClosingRecord } from '../../../../ports/storage/closing-journal.ts';
import { CLOSING_COLUMNS, CLOSING_FIELDS, CLOSING_KEY } from '../../closing-records.ts';
import { DECISION_COLUMNS, DECISION_FIELDS, OPERATION_COLUMNS, type DecisionField } from '../../records.ts';

const NUMBERS: readonly DecisionField[] = ['timeMs', 'notBeforeMs', 'notAfterMs', 'provenAtMs', 'count'];

/** Where each record is in its chain: JSON of one object for each, empty for what is in none. */
const PLACE = '("chain" text, "sequence" bigint, "digest" text)';
const PLACE_COLUMNS = 'chain, chain_sequence, chain_digest';
const PLACE_VALUES = 'record."chain", record."sequence", record."digest"';

/** @param places where JSON of the records' places is, `{}` for what is in no chain. */
function recordSet(records: string, columns: readonly string[], places: string): string {
  return `ROWS FROM (json_to_recordset(${records}::json) AS (${columns.join(', ')}), json_to_recordset(${places}::json) AS ${PLACE})
    AS record`;
}

/**
 * Records decisions, each once; parameters: what `recordsAsJson` gave, and the places. A record that is there already, because the answer
 * to it was lost, is written again as it is: the commit of a statement that wrote nothing waits neither for the disk nor
 * for a standby, and would call durable what another session has not made durable yet.
 */
export const INSERT_DECISIONS = insertDecisions('');

/**
 * As it, in a chain, and all of them or none: nothing is recorded while other bans are in force than some certificate was judged by.
 * The ledger is read in the statement that records, so that no ban is passed over that was in force before. Parameters further: the row
 * of the chain, the trust domain, JSON of the digests of the ledgers by which they may be given, empty of an empty one. Gives the
 * digest in force, whether they agree with it, and how many records were written.
 */
export const RECORD_DECISIONS = `WITH in_force AS MATERIALIZED (
    SELECT digest, NOT EXISTS (SELECT FROM json_array_elements_text($5::json) AS judged (bans) WHERE bans <> digest) AS agreed
    FROM (SELECT coalesce((SELECT digest FROM ban_ledgers WHERE trust = $4), '') AS digest) AS ledger
  ), opened AS (${openChain('$3')}
  ), written AS (${insertDecisions('CROSS JOIN in_force WHERE in_force.agreed')} RETURNING 1)
  SELECT digest, agreed, (SELECT count(*) FROM written) AS written FROM in_force`;

function insertDecisions(condition: string): string {
  return `INSERT INTO decisions (${DECISION_FIELDS.map((field) => DECISION_COLUMNS[field]).join(', ')}, ${PLACE_COLUMNS})
  SELECT ${DECISION_FIELDS.map((field) => `record."${field}"${isJson(field) ? '::text' : ''}`).join(', ')}, ${PLACE_VALUES}
  FROM ${recordSet(
    '$1',
    DECISION_FIELDS.map((field) => `"${field}" ${typeOf(field)}`),
    '$2',
  )} ${condition}
  ON CONFLICT (decision_id) DO UPDATE SET time_ms = excluded.time_ms`;
}

/**
 * The row of a chain, with the point that it was at before; left where it is there. Parameter: what `openedChainJson` gave. It is
 * sent with each write, because a chain whose records have all left loses its row.
 */
export function openChain(parameter: string, then = 'DO NOTHING'): string {
  return `INSERT INTO chains AS kept (chain, kind, opened_ms, opening, removed_sequence, removed_digest, removed_ms)
    SELECT "chain", "kind", "openedMs", "opening", "sequence", "digest", "timeMs" FROM json_to_record(${parameter}::json) AS opened
      ("chain" text, "kind" text, "openedMs" bigint, "opening" text, "sequence" bigint, "digest" text, "timeMs" bigint)
    ON CONFLICT (chain) ${then}`;
}
/** Where this server's newest chain of a kind has come to; parameters: kind, server. */
export function selectFollowed(table: string): string {
  return `SELECT chain, coalesce(last.chain_sequence, removed_sequence) AS sequence,
      coalesce(last.chain_digest, removed_digest) AS digest
    FROM (SELECT * FROM chains WHERE kind = $1 AND opening::json ->> 'server' = $2 ORDER BY opened_ms DESC LIMIT 1) AS newest
    LEFT JOIN LATERAL (SELECT chain_sequence, chain_digest FROM ${table} WHERE ${table}.chain = newest.chain
      ORDER BY chain_sequence DESC LIMIT 1) AS last ON true`;
}

/** An issuer in force: its leaves end with it. Parameters: id, DER, longest leaf in ms, its end in ms. */
export const KEEP_ISSUER = `INSERT INTO issuers AS kept (id, certificate, longest_leaf_ms, until_ms)
  VALUES ($1, $2, $3, $4) ON CONFLICT (id) DO UPDATE SET until_ms = excluded.until_ms,
    longest_leaf_ms = greatest(kept.longest_leaf_ms, excluded.longest_leaf_ms)`;
/** Every other signs no more: its last leaf is over before long. Parameters: now in ms, ids of those in force. */
export const RETIRE_ISSUERS = `UPDATE issuers SET until_ms = least(until_ms, $1::bigint + longest_leaf_ms)
  WHERE id NOT IN (SELECT json_array_elements_text($2::json))`;
/** Parameter: now in ms. */
export const FORGET_ISSUERS = 'DELETE FROM issuers WHERE until_ms < $1';

const OPERATION = Object.values(OPERATION_COLUMNS);
/** Parameters: the fields, chain, sequence and digest of the place. */
export const INSERT_OPERATION = `INSERT INTO operations (${OPERATION.join(', ')}, ${PLACE_COLUMNS})
  VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`;
/** As INSERT_OPERATION; the row of the chain is the last parameter. */
export const APPEND_OPERATION = `WITH opened AS (${openChain('$9')}) ${INSERT_OPERATION}`;

const CLOSING_NUMBERS: readonly (keyof ClosingRecord)[] = ['timeMs', 'lastSeenMs', 'liveCertificates', 'latestEndMs'];
/** Empty where a record has none, and `serials` as the text that it is. */
const CLOSING_VALUES: Partial<Record<keyof ClosingRecord, string>> = {
  remoteCluster: `coalesce("remoteCluster", '')`,
  serviceAccountUid: `coalesce("serviceAccountUid", '')`,
  serials: '"serials"::text',
};
const CLOSING_TYPES = CLOSING_FIELDS.map(
  (field) => `"${field}" ${CLOSING_NUMBERS.includes(field) ? 'bigint' : field === 'serials' ? 'json' : 'text'}`,
);

/**
 * Parameters: the records as JSON, and the places. Each row says whether it was not there before; one that was is written again as it
 * is: see INSERT_DECISIONS.
 */
export const ADD_CLOSINGS = `INSERT INTO closings AS kept
    (${CLOSING_FIELDS.map((field) => CLOSING_COLUMNS[field]).join(', ')}, ${PLACE_COLUMNS})
  SELECT ${CLOSING_FIELDS.map((field) => CLOSING_VALUES[field] ?? `"${field}"`).join(', ')}, ${PLACE_VALUES}
  FROM ${recordSet('$1', CLOSING_TYPES, '$2')}
  ON CONFLICT (${CLOSING_KEY.join(', ')}) DO UPDATE SET time_ms = kept.time_ms RETURNING xmax = 0 AS added`;
/** Holds the row of a lease, if the epoch is in force; parameters: its name, epoch. */
export const HOLD_LEASE = 'SELECT 1 AS held FROM leases WHERE name = $1 AND epoch = $2 FOR SHARE';
/** Parameters: id of the remote cluster or empty, until when its ends are on record. */
export const KEEP_FOLLOWED = `INSERT INTO closings_followed (remote_cluster, until_ms) VALUES ($1, $2)
  ON CONFLICT (remote_cluster) DO UPDATE SET until_ms = excluded.until_ms`;

/** More than a page holds of small records, and less than is moved out of the row. */
const PROBE_BYTES = 1_500;
/**
 * Whether a record could be written: one is, so that a table that cannot grow shows itself, and taken back; what is
 * committed is the version as it is.
 */
export const BEGIN_PROBE = 'BEGIN; SAVEPOINT probe';
export const PROBE_RECORD = `INSERT INTO decisions (decision_id, time_ms, outcome, api, remote_address)
  VALUES ('probe ' || pg_backend_pid(), 0, 'refused', 'self', repeat('-', ${PROBE_BYTES}))`;
export const END_PROBE = 'ROLLBACK TO SAVEPOINT probe; UPDATE schema_version SET version = version';

function typeOf(field: DecisionField): string {
  return NUMBERS.includes(field) ? 'bigint' : isJson(field) ? 'json' : 'text';
}

/** Stored as the text that it is. */
function isJson(field: DecisionField): boolean {
  return field === 'policy' || field === 'attestation';
}
