// What the journal writes into PostgreSQL, as SQL, and the records as one text for one round trip.
import type { ClosingRecord } from '../../../../ports/storage/closing-journal.ts';
import { CLOSING_COLUMNS, CLOSING_FIELDS, CLOSING_KEY } from '../../closing-records.ts';
import { DECISION_COLUMNS, DECISION_FIELDS, OPERATION_COLUMNS, type DecisionField } from '../../records.ts';

const NUMBERS: readonly DecisionField[] = ['timeMs', 'notBeforeMs', 'notAfterMs', 'provenAtMs', 'count'];

/**
 * Records decisions, each once; parameter: what `recordsAsJson` gave. A record that is there already, because the answer
 * to it was lost, is written again as it is: the commit of a statement that wrote nothing waits neither for the disk nor
 * for a standby, and would call durable what another session has not made durable yet.
 */
export const INSERT_DECISIONS = insertDecisions('');

/**
 * As it, but for certificates that were judged by other bans than are in force: they are left out. The ledger is read in the
 * statement that records, so that no ban is passed over that was in force before. Parameters: the records as JSON, each with `bans`, the
 * digest of the ledger by which it may be given, empty of an empty one and null where no ban counts; the trust domain. Gives the
 * digest in force, and how many records were written.
 */
export const RECORD_DECISIONS = `WITH in_force AS MATERIALIZED (
    SELECT coalesce((SELECT digest FROM ban_ledgers WHERE trust = $2), '') AS digest
  ), written AS (${insertDecisions('CROSS JOIN in_force WHERE record.bans IS NULL OR record.bans = in_force.digest')} RETURNING 1)
  SELECT digest, (SELECT count(*) FROM written) AS written FROM in_force`;

function insertDecisions(condition: string): string {
  return `INSERT INTO decisions (${DECISION_FIELDS.map((field) => DECISION_COLUMNS[field]).join(', ')})
  SELECT ${DECISION_FIELDS.map((field) => `record."${field}"${isJson(field) ? '::text' : ''}`).join(', ')}
  FROM json_to_recordset($1::json) AS record
    (${DECISION_FIELDS.map((field) => `"${field}" ${typeOf(field)}`).join(', ')}, bans text) ${condition}
  ON CONFLICT (decision_id) DO UPDATE SET time_ms = excluded.time_ms`;
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

export const INSERT_OPERATION = `INSERT INTO operations (${Object.values(OPERATION_COLUMNS).join(', ')})
  VALUES ($1, $2, $3, $4, $5)`;

const CLOSING_NUMBERS: readonly (keyof ClosingRecord)[] = ['timeMs', 'lastSeenMs', 'liveCertificates', 'latestEndMs'];
/** Empty where a record has none, and `serials` as the text that it is. */
const CLOSING_VALUES: Partial<Record<keyof ClosingRecord, string>> = {
  remoteCluster: `coalesce("remoteCluster", '')`,
  serviceAccountUid: `coalesce("serviceAccountUid", '')`,
  serials: '"serials"::text',
};
/** @param parameter where what `recordsAsJson` gave is. One that is there already is written again as it is: see INSERT_DECISIONS. */
function insertClosings(parameter: string, condition: string): string {
  const typeOfClosing = (field: keyof ClosingRecord): string =>
    CLOSING_NUMBERS.includes(field) ? 'bigint' : field === 'serials' ? 'json' : 'text';
  return `INSERT INTO closings AS kept (${CLOSING_FIELDS.map((field) => CLOSING_COLUMNS[field]).join(', ')})
    SELECT ${CLOSING_FIELDS.map((field) => CLOSING_VALUES[field] ?? `"${field}"`).join(', ')}
    FROM json_to_recordset(${parameter}::json) AS record
      (${CLOSING_FIELDS.map((field) => `"${field}" ${typeOfClosing(field)}`).join(', ')}) ${condition}
    ON CONFLICT (${CLOSING_KEY.join(', ')}) DO UPDATE SET time_ms = kept.time_ms RETURNING xmax = 0 AS added`;
}

/** Parameter: the records as JSON. Each row says whether it was not there before. */
export const ADD_CLOSINGS = insertClosings('$1', '');
/**
 * Under a lease whose row is held meanwhile. Parameters: its name, epoch, the records as JSON, id of the remote cluster or
 * empty, until when its ends are on record or NULL.
 */
export const RECORD_CLOSINGS = `WITH held AS MATERIALIZED (
    SELECT 1 FROM leases WHERE name = $1 AND epoch = $2 FOR SHARE
  ), added AS (${insertClosings('$3', 'WHERE EXISTS (SELECT FROM held)')}
  ), followed AS (
    INSERT INTO closings_followed (remote_cluster, until_ms)
    SELECT $4::text, $5::bigint WHERE $5::bigint IS NOT NULL AND EXISTS (SELECT FROM held)
    ON CONFLICT (remote_cluster) DO UPDATE SET until_ms = excluded.until_ms
  ) SELECT EXISTS (SELECT FROM held) AS held, (SELECT count(*) FROM added) AS recorded`;

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
