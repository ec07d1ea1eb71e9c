// One mapping between entries of the inventory and the rows of a database, whichever it is, and how they come out of the rows of the
// journal: pure. A part of the key that is absent is empty, because no two rows may be the same in it.
import { EXPIRED, type InventoryEntry } from '../../../domain/inventory/entry.ts';
import { renewalOf, type RenewalHabits } from '../../../domain/trust/renewal.ts';
import type { IssuanceClass } from '../../../domain/policy/request.ts';
import { namespaceIn } from '../../../domain/revocation/revoked-leaves.ts';
import type { ClosingRecord } from '../../../ports/storage/closing-journal.ts';
import { podIssuancesFrom } from '../closing-records.ts';
import type { DecisionField, Row } from '../records.ts';

type Value = string | number | null;

export const ENTRY_COLUMNS = {
  identity: 'identity',
  cluster: 'cluster',
  podUid: 'pod_uid',
  class: 'class',
  namespace: 'namespace',
  podName: 'pod_name',
  nodeName: 'node_name',
  relay: 'relay',
  api: 'api',
  authenticationMethod: 'authentication_method',
  decisionId: 'decision_id',
  proofId: 'proof_id',
  serial: 'serial',
  issuer: 'issuer',
  issuerName: 'issuer_name',
  trustAnchor: 'trust_anchor',
  policyRevision: 'policy_revision',
  bundle: 'bundle',
  issuedMs: 'issued_ms',
  notBeforeMs: 'not_before_ms',
  notAfterMs: 'not_after_ms',
  renewalMs: 'renewal_ms',
  overdueMs: 'overdue_ms',
  endedMs: 'ended_ms',
  endReason: 'end_reason',
} as const;
export type EntryField = keyof typeof ENTRY_COLUMNS;
export const ENTRY_FIELDS = Object.keys(ENTRY_COLUMNS) as readonly EntryField[];

/** An entry as it lies in the database: its values by field. */
export type EntryRow = Readonly<Record<EntryField, Value>>;

/** @param row as `ENTRY_COLUMNS` name its values. */
export function entryFrom(row: Row): InventoryEntry {
  const { podUid, endedMs, endReason, ...fields } = Object.fromEntries(
    ENTRY_FIELDS.flatMap((field) => ((row[field] ?? null) === null ? [] : [[field, readValue(field, row[field])]])),
  ) as Readonly<Record<EntryField, unknown>>;
  return {
    ...fields,
    ...(podUid !== '' && { podUid }),
    ...(endReason !== undefined && { end: { reason: endReason, atMs: endedMs } }),
  } as unknown as InventoryEntry;
}

/** PostgreSQL gives big numbers as texts. */
function readValue(field: EntryField, value: unknown): unknown {
  return field.endsWith('Ms') ? Number(value) : value;
}

export interface EntrySettings extends RenewalHabits {
  /** The server's own: of records that name none. */
  readonly cluster: string;
}

/** What `entriesOf` reads of an issued decision, beside `relayedPolicy` and `class` out of its policy. */
export const READ_FIELDS = [
  'decisionId',
  'timeMs',
  'outcome',
  'api',
  'caller',
  'authenticationMethod',
  'podName',
  'podUid',
  'nodeName',
  'attestation',
  'cluster',
  'remoteCluster',
  'policyRevision',
  'identity',
  'serial',
  'issuer',
  'issuerName',
  'trustAnchor',
  'bundle',
  'notBeforeMs',
  'notAfterMs',
  'proofId',
] as const satisfies readonly DecisionField[];

/**
 * @param row of an issued decision, by field.
 * @param nowMs whose certificate is over by then, has ended.
 * @returns one for each pod that the certificate is for; one without them.
 */
export function entriesOf(row: Row, settings: EntrySettings, nowMs: number): readonly EntryRow[] {
  const { caller, identity, relayedPolicy } = row;
  const entry = { ...certificateOf(row, settings, nowMs), ...holderOf(row) };
  if (caller === null || caller === identity) return [entry];
  const relayed = { ...entry, relay: text(row, 'caller') };
  const served = typeof relayedPolicy === 'string' ? podIssuancesFrom(row) : [];
  if (served.length === 0) return [relayed];
  return served.map(({ podUid, podName }) => ({ ...relayed, podUid, podName }));
}

function holderOf(row: Row): Pick<EntryRow, 'podUid' | 'podName' | 'nodeName' | 'relay'> {
  return {
    podUid: text(row, 'podUid') ?? '',
    podName: text(row, 'podName'),
    nodeName: text(row, 'nodeName'),
    relay: null,
  };
}

function certificateOf(row: Row, settings: EntrySettings, nowMs: number) {
  const identity = String(row['identity']);
  const api = String(row['api']);
  const [issuedMs, notAfterMs] = [Number(row['timeMs']), Number(row['notAfterMs'])];
  const isOver = notAfterMs <= nowMs;
  return {
    identity,
    cluster: text(row, 'cluster') ?? text(row, 'remoteCluster') ?? settings.cluster,
    class: text(row, 'class') ?? (api === 'self' ? 'self' : ('workload' satisfies IssuanceClass)),
    namespace: namespaceIn(identity) ?? null,
    api,
    authenticationMethod: text(row, 'authenticationMethod'),
    decisionId: String(row['decisionId']),
    proofId: text(row, 'proofId'),
    serial: String(row['serial']),
    issuer: String(row['issuer']),
    issuerName: text(row, 'issuerName'),
    trustAnchor: text(row, 'trustAnchor'),
    policyRevision: text(row, 'policyRevision'),
    bundle: text(row, 'bundle'),
    issuedMs,
    notBeforeMs: Number(row['notBeforeMs']),
    notAfterMs,
    ...renewalOf({ api, issuedMs, notAfterMs }, settings),
    endedMs: isOver ? notAfterMs : null,
    endReason: isOver ? EXPIRED : null,
  };
}

function text(row: Row, field: string): string | null {
  return (row[field] ?? null) as string | null;
}

/** What is known of who ended, should nothing else be: its certificates may be read a moment later. */
export function endedEntryOf(closing: ClosingRecord): EntryRow {
  const { timeMs, identity, reason, cluster, namespace, podName, podUid, nodeName, latestEndMs, serials } = closing;
  return {
    identity,
    cluster,
    podUid,
    class: 'workload',
    namespace,
    podName,
    nodeName: nodeName ?? null,
    relay: null,
    api: 'csr',
    authenticationMethod: null,
    decisionId: '',
    proofId: null,
    serial: serials[0] ?? '',
    issuer: '',
    issuerName: null,
    trustAnchor: null,
    policyRevision: null,
    bundle: null,
    issuedMs: 0,
    notBeforeMs: 0,
    notAfterMs: latestEndMs,
    renewalMs: latestEndMs,
    overdueMs: latestEndMs,
    endedMs: timeMs,
    endReason: reason,
  };
}
