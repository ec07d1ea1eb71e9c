// One mapping between records of identities that ended and the rows of a database, as records.ts is for decisions; and
// what is read of decisions to make them.
import { parseJson } from '../../domain/text/parse-json.ts';
import type { ClosedPod, ClosingRecord } from '../../ports/storage/closing-journal.ts';
import type { PodIssuance } from '../../ports/storage/pod-issuances.ts';
import type { Row } from './records.ts';

type Value = string | number | null;
/** A closing as it lies in the database. */
export type ClosingValues = readonly Value[];

export const CLOSING_COLUMNS: Readonly<Record<keyof ClosingRecord, string>> = {
  timeMs: 'time_ms',
  identity: 'identity',
  reason: 'reason',
  cluster: 'cluster',
  remoteCluster: 'remote_cluster',
  namespace: 'namespace',
  podName: 'pod_name',
  podUid: 'pod_uid',
  serviceAccountUid: 'service_account_uid',
  nodeName: 'node_name',
  lastSeenMs: 'last_seen_ms',
  liveCertificates: 'live_certificates',
  latestEndMs: 'latest_end_ms',
  serials: 'serials',
};
export const CLOSING_FIELDS = Object.keys(CLOSING_COLUMNS) as readonly (keyof ClosingRecord)[];
/** Empty where there is none: no two rows may be the same in these, and a NULL is never the same. */
const NEVER_NULL: readonly (keyof ClosingRecord)[] = ['remoteCluster', 'serviceAccountUid'];
/** What no two closings have in common, in the order of the index. */
export const CLOSING_KEY = ['pod_uid', 'service_account_uid', 'identity', 'remote_cluster'] as const;

/** @returns the values of a record, in the order of `CLOSING_COLUMNS`. */
export function closingValues(record: ClosingRecord): ClosingValues {
  return CLOSING_FIELDS.map((field) => {
    if (field === 'serials') return JSON.stringify(record.serials);
    return record[field] ?? (NEVER_NULL.includes(field) ? '' : null);
  });
}

/** @param values as `closingValues` gave them. */
export function closingFrom(values: ClosingValues): ClosingRecord {
  const record: Record<string, unknown> = {};
  for (const [index, field] of CLOSING_FIELDS.entries()) {
    const value = values[index] ?? null;
    if (value === null || (value === '' && NEVER_NULL.includes(field))) continue;
    record[field] = field === 'serials' ? (parseJson(String(value)) ?? []) : value;
  }
  return record as unknown as ClosingRecord;
}

/** @param row `podUid`, `serviceAccountUid`, `identity` and `remoteCluster` of a closing. */
export function closedPodFrom(row: Row): ClosedPod {
  const [serviceAccountUid, remoteCluster] = [String(row['serviceAccountUid']), String(row['remoteCluster'])];
  return {
    identity: String(row['identity']),
    podUid: String(row['podUid']),
    ...(serviceAccountUid !== '' && { serviceAccountUid }),
    ...(remoteCluster !== '' && { remoteCluster }),
  };
}

/** The columns of a decision that `podIssuancesFrom` reads, by their fields; a policy is read of what was relayed alone. */
export const POD_ISSUANCE = {
  timeMs: 'time_ms',
  identity: 'identity',
  serial: 'serial',
  notAfterMs: 'not_after_ms',
  podName: 'pod_name',
  podUid: 'pod_uid',
  nodeName: 'node_name',
  attestation: 'attestation',
  remoteCluster: 'remote_cluster',
  relayedPolicy: 'CASE WHEN caller <> identity THEN policy END',
} as const;

/**
 * @param row the fields of `POD_ISSUANCE`, of a certificate that was issued to whom an API server vouched for.
 * @returns one for each pod that it is for: its holder, or those of a node for which a proxy asked.
 */
export function podIssuancesFrom(row: Row): readonly PodIssuance[] {
  const { podName, podUid, nodeName, remoteCluster, relayedPolicy } = row;
  const issuance = {
    timeMs: Number(row['timeMs']),
    identity: String(row['identity']),
    serial: String(row['serial']),
    notAfterMs: Number(row['notAfterMs']),
    ...(typeof nodeName === 'string' && { nodeName }),
    ...(typeof remoteCluster === 'string' && { remoteCluster }),
  };
  if (typeof relayedPolicy === 'string') {
    return relayedPodsIn(relayedPolicy).map((pod) => ({ ...issuance, ...pod }));
  }
  if (typeof podName !== 'string' || typeof podUid !== 'string') return [];
  const serviceAccountUid = fieldIn(row['attestation'], 'serviceAccountUid');
  return [{ ...issuance, podName, podUid, ...(typeof serviceAccountUid === 'string' && { serviceAccountUid }) }];
}

/** Pods without a UID cannot be told from a later one of the same name. */
function relayedPodsIn(policy: string): readonly { readonly podName: string; readonly podUid: string }[] {
  const pods = fieldIn(policy, 'podNames');
  if (!Array.isArray(pods)) return [];
  return (pods as readonly Readonly<Record<string, unknown>>[]).flatMap(({ name, uid }) =>
    typeof name === 'string' && typeof uid === 'string' ? [{ podName: name, podUid: uid }] : [],
  );
}

/** What is no JSON of an object has no fields: it was read for decisions before, where it is an error. */
function fieldIn(json: unknown, field: string): unknown {
  const parsed = parseJson(String(json));
  return typeof parsed === 'object' && parsed !== null
    ? (parsed as Readonly<Record<string, unknown>>)[field]
    : undefined;
}
