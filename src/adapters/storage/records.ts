// One mapping between the journal's records and the rows of a database, whichever database it is: one column per
// field, named once. A policy trace is one column of JSON, and so is what a cluster vouched for. What was stored under former names is read here too.
import { AuthorityError } from '../../domain/errors.ts';
import type { Attestation } from '../../domain/identity/caller.ts';
import { canonicalJson } from '../../domain/text/canonical-json.ts';
import { parseJson } from '../../domain/text/parse-json.ts';
import type { CurrentCertificate } from '../../domain/policy/request.ts';
import type { LeafRecord } from '../../ports/storage/issuance-history.ts';
import type {
  AttestationTrace,
  DecisionRecord,
  IssuedRecord,
  PolicyTrace,
  RefusedRecord,
} from '../../ports/storage/issuance-journal.ts';
import type { FormerIssuer } from '../../ports/storage/issuer-records.ts';
import type { OperationRecord } from '../../ports/storage/operation-journal.ts';

/** A row under the names that its query gave it, as the database's checks left it. */
export type Row = Readonly<Record<string, unknown>>;
type Value = string | number | null;
/** A decision as it lies in the database: what crosses between threads, because records take longer. */
export type DecisionValues = readonly Value[];

/** Every field that a record of either outcome can have; the compiler asks for each. */
export type DecisionField = keyof IssuedRecord | keyof RefusedRecord;

export const DECISION_COLUMNS: Readonly<Record<DecisionField, string>> = {
  decisionId: 'decision_id',
  timeMs: 'time_ms',
  outcome: 'outcome',
  api: 'api',
  remoteAddress: 'remote_address',
  caller: 'caller',
  authenticationMethod: 'authentication_method',
  credentialId: 'credential_id',
  presentedAnchor: 'presented_anchor',
  podName: 'pod_name',
  podUid: 'pod_uid',
  nodeName: 'node_name',
  attestation: 'attestation',
  cluster: 'cluster',
  remoteCluster: 'remote_cluster',
  policyRevision: 'policy_revision',
  identity: 'identity',
  serial: 'serial',
  issuer: 'issuer',
  issuerName: 'issuer_name',
  trustAnchor: 'trust_anchor',
  bundle: 'bundle',
  notBeforeMs: 'not_before_ms',
  notAfterMs: 'not_after_ms',
  keyType: 'key_type',
  reason: 'reason',
  message: 'message',
  policy: 'policy',
  proofId: 'proof_id',
  provenAtMs: 'proven_at_ms',
  count: 'count',
};
export const DECISION_FIELDS = Object.keys(DECISION_COLUMNS) as readonly DecisionField[];

/** `is` is a word of SQL. */
export const OPERATION_COLUMNS: Readonly<Record<keyof OperationRecord, string>> = {
  timeMs: 'time_ms',
  operation: 'operation',
  was: 'was',
  is: 'became',
  details: 'details',
};
const OPERATION_FIELDS = Object.keys(OPERATION_COLUMNS) as readonly (keyof OperationRecord)[];

/** @returns the values of a record, in the order of `DECISION_COLUMNS`. */
export function decisionValues(record: DecisionRecord): DecisionValues {
  const { policy, attestation, ...plain } = record;
  const fields: Partial<Record<DecisionField, string | number>> = {
    ...plain,
    ...(policy && { policy: JSON.stringify(policy) }),
    ...(attestation && { attestation: JSON.stringify(attestation) }),
  };
  return DECISION_FIELDS.map((field) => fields[field] ?? null);
}

/** @param values as `decisionValues` gave them. */
export function decisionFrom(values: DecisionValues): DecisionRecord {
  const record: Record<string, unknown> = {};
  for (const [index, field] of DECISION_FIELDS.entries()) {
    const value = values[index] ?? null;
    if (value !== null) record[field] = readField(field, value);
  }
  return record as unknown as DecisionRecord;
}

/** @param values of a record that is known to be of a certificate. */
export function issuedFrom(values: DecisionValues): IssuedRecord {
  return decisionFrom(values) as IssuedRecord;
}

function readField(field: DecisionField, value: Value): unknown {
  if (field === 'policy') return traceFrom(value);
  return field === 'attestation' ? attestationFrom(value) : value;
}

/** @returns the values of a record, in the order of `OPERATION_COLUMNS`. */
export function operationValues(record: OperationRecord): readonly Value[] {
  const { details, ...plain } = record;
  const fields: Partial<Record<keyof OperationRecord, Value>> = {
    ...plain,
    ...(details !== undefined && { details: canonicalJson(details) }),
  };
  return OPERATION_FIELDS.map((field) => fields[field] ?? null);
}

/** @param row by field. */
export function operationFrom(row: Row): OperationRecord {
  const { details, ...plain } = Object.fromEntries(OPERATION_FIELDS.map((field) => [field, row[field]]));
  const parsed = typeof details === 'string' ? parseJson(details) : undefined;
  return { ...plain, ...(typeof parsed === 'object' && parsed !== null && { details: parsed }) } as OperationRecord;
}

/** @param row `timeMs`, `notAfterMs` and `policy` of an issued record. A record from before policy traces waived nothing. */
export function currentCertificateFrom({ timeMs, notAfterMs, policy }: Row): CurrentCertificate {
  const trace = policy === null ? {} : { policy: traceFrom(policy) };
  return currentCertificateOf({ timeMs: Number(timeMs), notAfterMs: Number(notAfterMs), ...trace });
}

export function currentCertificateOf({
  timeMs,
  notAfterMs,
  policy,
}: Pick<IssuedRecord, 'timeMs' | 'notAfterMs' | 'policy'>): CurrentCertificate {
  const waived = policy?.waived ?? [];
  return {
    issuedMs: timeMs,
    notAfterMs,
    waived: Object.fromEntries(waived.map(({ key, sinceMs }) => [key, sinceMs])),
  };
}

/** @param row `certificate` and `untilMs` of an issuer. */
export function formerIssuerFrom({ certificate, untilMs }: Row): FormerIssuer {
  return { certificateDer: certificate as Uint8Array, untilMs: Number(untilMs) };
}

/** @param row `issuer`, `trustAnchor`, `proofId`, `provenAtMs`, the parts of the pod, `attestation` and `remoteCluster` of an issued record. */
export function leafRecordFrom(row: Row): LeafRecord {
  const { issuer, proofId, provenAtMs, attestation } = row;
  const lineage = { id: String(proofId), provenAtMs: Number(provenAtMs) };
  const text = (field: string): string | undefined => (row[field] ?? undefined) as string | undefined;
  return leafRecordOf({
    issuer: String(issuer),
    trustAnchor: text('trustAnchor'),
    lineage,
    podName: text('podName'),
    podUid: text('podUid'),
    nodeName: text('nodeName'),
    attestation: attestation === null ? undefined : attestationFrom(attestation),
    remoteCluster: text('remoteCluster'),
  });
}

type LeafFacts = Pick<LeafRecord, 'issuer' | 'lineage'> & {
  readonly [Field in 'trustAnchor' | 'podName' | 'podUid' | 'nodeName' | 'remoteCluster']: string | undefined;
} & { readonly attestation: AttestationTrace | undefined };

/** What lasts of an issuance: how fresh the cluster was seen then does not. */
export function leafRecordOf({
  issuer,
  trustAnchor,
  lineage,
  attestation,
  remoteCluster,
  ...facts
}: LeafFacts): LeafRecord {
  const { podName, podUid, nodeName } = facts;
  const pod = {
    ...(podName !== undefined && { podName }),
    ...(podUid !== undefined && { podUid }),
    ...(nodeName !== undefined && { nodeName }),
  };
  return {
    issuer,
    ...(trustAnchor !== undefined && { trustAnchor }),
    lineage,
    ...(Object.keys(pod).length > 0 && { pod }),
    ...(attestation !== undefined && { attestation: lastingOf(attestation) }),
    ...(remoteCluster !== undefined && { remoteCluster }),
  };
}

function lastingOf({ serviceAccountUid, tokenId, tokenReview }: AttestationTrace): Attestation {
  return {
    ...(serviceAccountUid !== undefined && { serviceAccountUid }),
    ...(tokenId !== undefined && { tokenId }),
    ...(tokenReview !== undefined && { tokenReview }),
  };
}

/** @throws AuthorityError CAP-S04 for what is none: without it nobody would ask whether its pod is still there. */
function attestationFrom(stored: unknown): AttestationTrace {
  const attestation = parseJson(String(stored));
  if (typeof attestation === 'object' && attestation !== null) return attestation;
  throw new AuthorityError('CAP-S04', { detail: 'the attestation of a record in the journal is damaged' });
}

/**
 * Records from before `waived` call it `excused`.
 * @throws AuthorityError CAP-S04 for what is no trace: without it nobody knows since when a condition has been waived.
 */
function traceFrom(stored: unknown): PolicyTrace {
  const trace = parseJson(String(stored)) as StoredTrace | null | undefined;
  const waived = trace?.excused ?? trace?.waived;
  if (typeof trace !== 'object' || trace === null || (waived !== undefined && !Array.isArray(waived))) {
    throw new AuthorityError('CAP-S04', { detail: 'the policy trace of a record in the journal is damaged' });
  }
  if (trace.excused === undefined) return trace;
  const { excused, ...rest } = trace;
  return { ...rest, waived: excused };
}

type StoredTrace = PolicyTrace & { readonly excused?: PolicyTrace['waived'] };
