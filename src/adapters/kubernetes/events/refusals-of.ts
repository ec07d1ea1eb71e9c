// From the record of a refusal to what the owners of a workload are told of it, where they look: at the ServiceAccount, and at
// the Pod where the credential names it. It is told of who was proven, never of whom somebody asked for: nobody may
// have anything written in another namespace. Nor of who is of another cluster: the account of that name here is another's.
import { kubernetesIdentityOf } from '../../../domain/identity/kubernetes-identity.ts';
import { SpiffeId } from '../../../domain/identity/spiffe-id.ts';
import type { ErrorCode } from '../../../domain/errors.ts';
import { REASONS } from '../../../domain/reasons.ts';
import type { DecisionObserver } from '../../../ports/policy/decision-observer.ts';
import type { RefusalReporter, ReportedRefusal } from '../../../ports/policy/refusal-reporter.ts';
import type { DecisionRecord, RefusedRecord } from '../../../ports/storage/issuance-journal.ts';

/** What the owner of a workload can do something about; the rest is the operator's, and passes. */
const REPORTED: ReadonlySet<ErrorCode> = new Set<ErrorCode>([
  'policy_denied',
  'quota_exceeded',
  'impersonation_forbidden',
  'identity_mismatch',
  'key_unacceptable',
  'malformed_csr',
  'csr_signature_invalid',
  'malformed_request',
]);
/** Longest message that the API server takes of an Event, in bytes (events.k8s.io/v1: 1 kB). */
const MAX_MESSAGE = 1_024;

export interface ReportedRefusalsParts {
  readonly reporter: RefusalReporter;
  /** Of a service account, as the cluster has it; nothing when it is not known. `kubectl describe` finds Events by it. */
  readonly uidOf: (namespace: string, serviceAccount: string) => string | undefined;
}

export class ReportedRefusals implements DecisionObserver {
  readonly #parts: ReportedRefusalsParts;

  constructor(parts: ReportedRefusalsParts) {
    this.#parts = parts;
  }

  decided(record: DecisionRecord, { counted }: { readonly counted: boolean }): void {
    if (record.outcome === 'issued') return;
    for (const refusal of refusalsOf(record, counted)) this.report(refusal);
  }

  /** Also what no decision was made of. Answers at once and never throws. */
  report({ involved, reason, message }: ReportedRefusal): void {
    const { reporter, uidOf } = this.#parts;
    const { kind, namespace, name } = involved;
    const uid = involved.uid ?? (kind === 'ServiceAccount' ? uidOf(namespace, name) : undefined);
    const known = { ...involved, ...(uid !== undefined && { uid }) };
    reporter.report({ involved: known, reason, message: cutMessage(message) }, 1);
  }
}

/** @param counted as in DecisionObserver: there is no record to explain then. */
function refusalsOf(record: RefusedRecord, counted: boolean): readonly ReportedRefusal[] {
  if (!REPORTED.has(REASONS[record.reason].code) || record.remoteCluster !== undefined) return [];
  const caller = SpiffeId.parse(record.caller ?? '');
  const identity = caller instanceof SpiffeId ? kubernetesIdentityOf(caller) : caller;
  if ('problem' in identity) return [];
  const { namespace, serviceAccount } = identity;
  const { reason, podName, podUid } = record;
  const message = messageOf(record, counted);
  const refused = (involved: ReportedRefusal['involved']): ReportedRefusal => ({ involved, reason, message });
  return [
    refused({ kind: 'ServiceAccount', namespace, name: serviceAccount }),
    ...(podName === undefined
      ? []
      : [refused({ kind: 'Pod', namespace, name: podName, ...(podUid !== undefined && { uid: podUid }) })]),
  ];
}

function messageOf({ message, identity, decisionId }: RefusedRecord, counted: boolean): string {
  const asked = identity === undefined ? '' : `; asked for ${identity}`;
  const explain = counted ? '' : `; capstan policy explain ${decisionId}`;
  return cutMessage(message + asked, MAX_MESSAGE - Buffer.byteLength(explain)) + explain;
}

/** @returns a message that the API server takes. @param room in bytes. */
function cutMessage(text: string, room = MAX_MESSAGE): string {
  return Buffer.byteLength(text) <= room ? text : `${cutTo(room - 3, text)}...`;
}

/** Whole characters that fit in so many bytes. */
function cutTo(bytes: number, text: string): string {
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(bytes));
  return text.slice(0, read);
}
