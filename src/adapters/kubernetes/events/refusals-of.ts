// From the record of a refusal to what the owners of a workload are told of it, where they look: at the ServiceAccount, and at
// the Pod where the credential names it. It is told of who was proven, never of whom somebody asked for: nobody may
// have anything written in another namespace.
import { kubernetesIdentityOf } from '../../../domain/identity/kubernetes-identity.ts';
import { SpiffeId } from '../../../domain/identity/spiffe-id.ts';
import type { ErrorCode } from '../../../domain/errors.ts';
import { REASONS } from '../../../domain/reasons.ts';
import type { RefusedRecord } from '../../../ports/storage/issuance-journal.ts';
import type { Refusal } from './event-ledger.ts';

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

/** @param counted as in DecisionObserver: there is no record to explain then. */
export function refusalsOf(record: RefusedRecord, counted: boolean): readonly Refusal[] {
  if (!REPORTED.has(REASONS[record.reason].code)) return [];
  const caller = SpiffeId.parse(record.caller ?? '');
  const identity = caller instanceof SpiffeId ? kubernetesIdentityOf(caller) : caller;
  if ('problem' in identity) return [];
  const { namespace, serviceAccount } = identity;
  const { reason, podName, podUid } = record;
  const message = messageOf(record, counted);
  const refused = (involved: Refusal['involved']): Refusal => ({ involved, reason, message });
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
export function cutMessage(text: string, room = MAX_MESSAGE): string {
  return Buffer.byteLength(text) <= room ? text : `${cutTo(room - 3, text)}...`;
}

/** Whole characters that fit in so many bytes. */
function cutTo(bytes: number, text: string): string {
  const { read } = new TextEncoder().encodeInto(text, new Uint8Array(bytes));
  return text.slice(0, read);
}
