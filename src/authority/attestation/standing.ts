// Whether the workload behind a credential is still there, as far as its cluster is seen: one judgement for tokens, for
// certificates that go back to a token, and for streams that go on long after it was shown.
import { hasEnded } from '../../domain/cluster/pod-phase.ts';
import type { Caller } from '../../domain/identity/caller.ts';
import type { KnownPod, WorkloadDirectory } from '../../ports/cluster/workload-directory.ts';

/** What is wrong, safe for the caller. */
export interface Absence {
  readonly reason: 'CAP-A11' | 'CAP-A12';
  readonly detail: string;
  /** What the credential names may be too new to have been seen. */
  readonly mayBeNew: boolean;
}

/**
 * A pod that is being deleted is there until it is gone: its containers may run on for their grace, and drain better with
 * a certificate. A namespace that is being deleted is gone: nothing new is to come of it.
 * @returns nothing when it is there.
 */
export function absenceOf(caller: Caller, workloads: WorkloadDirectory): Absence | undefined {
  return namespaceAbsence(caller, workloads) ?? accountAbsence(caller, workloads) ?? podAbsence(caller, workloads);
}

function namespaceAbsence({ identity: { namespace } }: Caller, workloads: WorkloadDirectory): Absence | undefined {
  const known = workloads.namespace(namespace);
  if (known === undefined) return absent('CAP-A12', `there is no namespace ${namespace}`);
  if (known.terminating) return ended('CAP-A12', `namespace ${namespace} is being deleted`);
  return undefined;
}

function accountAbsence({ identity, attestation }: Caller, workloads: WorkloadDirectory): Absence | undefined {
  const { namespace, serviceAccount } = identity;
  const known = workloads.serviceAccount(namespace, serviceAccount);
  const name = `${namespace}/${serviceAccount}`;
  if (known === undefined) return absent('CAP-A12', `there is no service account ${name}`);
  const { serviceAccountUid } = attestation ?? {};
  if (serviceAccountUid !== undefined && serviceAccountUid !== known.uid) {
    return absent('CAP-A12', `service account ${name} has the UID ${known.uid}, the credential is of another`);
  }
  return undefined;
}

function podAbsence({ identity, pod }: Caller, workloads: WorkloadDirectory): Absence | undefined {
  if (pod?.podUid === undefined) return undefined;
  const { namespace, serviceAccount } = identity;
  const { podName = '', podUid, nodeName } = pod;
  const known = workloads.pod(namespace, podName);
  const name = `${namespace}/${podName}`;
  if (known === undefined) return absent('CAP-A11', `there is no pod ${name}`);
  if (known.uid !== podUid)
    return absent('CAP-A11', `pod ${name} has the UID ${known.uid}, the credential is of another`);
  if (known.serviceAccount !== serviceAccount) return ended('CAP-A11', `pod ${name} runs as another service account`);
  if (isElsewhere(known, nodeName)) return ended('CAP-A11', `pod ${name} is not on the node that the credential names`);
  return hasEnded(known) ? ended('CAP-A11', `pod ${name} has ended (${known.phase})`) : undefined;
}

/** A token that was made before its pod had a node names none. */
function isElsewhere({ node }: KnownPod, claimed: string | undefined): boolean {
  return node !== undefined && claimed !== undefined && node !== claimed;
}

function absent(reason: Absence['reason'], detail: string): Absence {
  return { reason, detail, mayBeNew: true };
}

function ended(reason: Absence['reason'], detail: string): Absence {
  return { reason, detail, mayBeNew: false };
}
