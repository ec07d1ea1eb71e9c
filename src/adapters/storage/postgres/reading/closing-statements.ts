// What is asked of identities that ended, and of what was issued to their pods, as SQL of our own: prepared once for each
// connection.
import type { ClosingQuery, ClosingRecord } from '../../../../ports/storage/closing-journal.ts';
import { MAX_LOOKED_THROUGH } from '../../../../ports/storage/pod-issuances.ts';
import {
  CLOSING_COLUMNS,
  CLOSING_FIELDS,
  closingFrom,
  POD_ISSUANCE,
  type ClosingValues,
} from '../../closing-records.ts';
import type { Row } from '../../records.ts';
import type { Statement } from '../connection/postgres-connection.ts';

const NAMED = Object.entries(POD_ISSUANCE).map(([field, column]) => `${column} AS "${field}"`);
const CLOSING = Object.entries(CLOSING_COLUMNS).map(([field, column]) => `${column} AS "${field}"`);

/** All columns of a closing under the names of their fields. */
export const SELECT_CLOSINGS = `SELECT ${CLOSING.join(', ')} FROM closings`;

/** Newest first. */
export function newestClosings({ identity, sinceMs = 0, limit }: ClosingQuery): {
  readonly text: string;
  readonly values: readonly (string | number)[];
} {
  const condition = identity === undefined ? '' : 'AND identity = $3';
  const text = `${SELECT_CLOSINGS} WHERE time_ms >= $1 ${condition} ORDER BY time_ms DESC, id DESC LIMIT $2`;
  return { text, values: [sinceMs, limit, ...(identity === undefined ? [] : [identity])] };
}

/** @param row as `SELECT_CLOSINGS` selects it. */
export function closingOf(row: Row): ClosingRecord {
  return closingFrom(CLOSING_FIELDS.map((field) => (row[field] ?? null) as ClosingValues[number]));
}

/** Parameters: SPIFFE ID, remote cluster or NULL, UIDs as JSON. What was relayed says in its policy for which pods it is. */
export const SELECT_ISSUED_TO: Statement = {
  name: 'issued to',
  text: `SELECT * FROM (
      SELECT ${NAMED.join(', ')} FROM decisions WHERE subject = $1 AND not_after_ms > 0
      ORDER BY not_after_ms DESC LIMIT ${MAX_LOOKED_THROUGH}) AS last
    WHERE attestation IS NOT NULL AND "remoteCluster" IS NOT DISTINCT FROM $2
      AND ("relayedPolicy" IS NOT NULL OR "podUid" IN (SELECT json_array_elements_text($3::json)))`,
};
/** The moment of the first decision beyond a page of the decisions from a moment on; parameters: from and to in ms, page. */
export const SELECT_PAGE_END: Statement = {
  name: 'page end',
  text: `SELECT time_ms AS "timeMs" FROM decisions WHERE time_ms >= $1 AND time_ms < $2
    ORDER BY time_ms LIMIT 1 OFFSET $3`,
};
/** Parameters: from and to in ms, remote cluster or NULL. */
export const SELECT_ISSUED_BETWEEN: Statement = {
  name: 'issued between',
  text: `SELECT ${NAMED.join(', ')} FROM decisions WHERE time_ms >= $1 AND time_ms < $2
      AND outcome = 'issued' AND attestation IS NOT NULL AND remote_cluster IS NOT DISTINCT FROM $3
    ORDER BY time_ms`,
};
/** Parameter: UIDs as JSON. */
export const SELECT_CLOSED: Statement = {
  name: 'closed',
  text: `SELECT pod_uid AS "podUid", service_account_uid AS "serviceAccountUid", identity, remote_cluster AS "remoteCluster"
    FROM closings WHERE pod_uid IN (SELECT json_array_elements_text($1::json))`,
};
/** Parameter: id of the remote cluster or empty. */
export const SELECT_FOLLOWED: Statement = {
  name: 'followed',
  text: 'SELECT until_ms AS "untilMs" FROM closings_followed WHERE remote_cluster = $1',
};
