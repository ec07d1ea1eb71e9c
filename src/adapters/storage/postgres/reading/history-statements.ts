// What is asked on the way of a request, as SQL of our own: prepared once for each connection.
import type { Statement } from '../connection/postgres-connection.ts';

/**
 * The newest certificate of an identity that is valid at a moment, of the thousand that end last: what it costs does
 * not grow with what the identity holds. Parameters: SPIFFE ID, moment in ms. It may be of a remote cluster.
 */
export const SELECT_CURRENT: Statement = { name: 'current', text: currentAmong('') };
/** The newest that is of the server's own cluster: asked only when the newest of all is not. */
export const SELECT_CURRENT_OF_OWN_CLUSTER: Statement = {
  name: 'current of own cluster',
  text: currentAmong('AND remote_cluster IS NULL'),
};

function currentAmong(condition: string): string {
  return `SELECT time_ms AS "timeMs", not_after_ms AS "notAfterMs", policy, remote_cluster AS "remoteCluster"
    FROM decisions WHERE id =
    (SELECT id FROM (SELECT id, time_ms FROM decisions WHERE subject = $1 AND not_after_ms > $2 ${condition}
       ORDER BY not_after_ms DESC LIMIT 1000) AS last ORDER BY time_ms DESC, id DESC LIMIT 1)`;
}

/**
 * The record of a leaf; parameters: SPIFFE ID, end in ms, serial. Our own certificates, which nobody asked for, have
 * none.
 */
export const SELECT_LEAF: Statement = {
  name: 'leaf',
  text: `SELECT issuer, trust_anchor AS "trustAnchor", coalesce(proof_id, decision_id) AS "proofId", coalesce(proven_at_ms, time_ms) AS "provenAtMs",
      pod_name AS "podName", pod_uid AS "podUid", node_name AS "nodeName", attestation, remote_cluster AS "remoteCluster"
    FROM decisions WHERE subject = $1 AND not_after_ms = $2 AND serial = $3
      AND outcome = 'issued' AND authentication_method IS NOT NULL LIMIT 1`,
};

/** Parameter: moment in ms. */
export const SELECT_ISSUERS: Statement = {
  name: 'issuers',
  text: 'SELECT certificate, until_ms AS "untilMs" FROM issuers WHERE until_ms >= $1',
};
