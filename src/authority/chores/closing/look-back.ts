// How far what was issued is looked through for pods that are not there any more, because nobody heard when they went: while no
// server ran or led, while the watch was broken, or where too many went at once. A cursor over the journal's times.
import type { WorkloadDirectory } from '../../../ports/cluster/workload-directory.ts';
import type { ClosingReason } from '../../../ports/storage/closing-journal.ts';
import type { PodIssuance } from '../../../ports/storage/pod-issuances.ts';
import { hasEnded } from '../../../domain/cluster/pod-phase.ts';
import { kubernetesIdentityOf } from '../../../domain/identity/kubernetes-identity.ts';
import { SpiffeId } from '../../../domain/identity/spiffe-id.ts';
import { isRemoved, type GonePod } from './gone-pods.ts';

/** A pod that another server was told of is seen here by then, where the watch is followed. */
export const LAG_MS = 10_000;

export class LookBack {
  #fromMs = 0;
  #toMs = 0;

  /** Whether all was looked through that had to be. */
  get over(): boolean {
    return this.#fromMs >= this.#toMs;
  }

  /** Beside what is to be looked through already. */
  add(fromMs: number, toMs: number): void {
    this.#fromMs = this.over ? fromMs : Math.min(this.#fromMs, fromMs);
    this.#toMs = Math.max(this.#toMs, toMs);
  }

  /** What can be looked through by now; nothing when that has to wait. */
  rangeAt(nowMs: number): { readonly fromMs: number; readonly toMs: number } | undefined {
    const toMs = Math.min(this.#toMs, nowMs - LAG_MS);
    return this.#fromMs < toMs ? { fromMs: this.#fromMs, toMs } : undefined;
  }

  doneUntil(ms: number): void {
    this.#fromMs = ms;
  }
}

/**
 * @param at.nowMs when they are noticed. @param at.lastSeenMs when they were there for sure; of each, its issuance is later or not.
 * @returns whose pods are not there, each once.
 */
export function goneAmong(
  issuances: readonly PodIssuance[],
  workloads: WorkloadDirectory,
  { nowMs, lastSeenMs }: { readonly nowMs: number; readonly lastSeenMs: number },
): readonly GonePod[] {
  const gone = new Map<string, GonePod>();
  for (const issuance of issuances) {
    const { identity, podName, podUid } = issuance;
    const named = namesIn(identity);
    const cause = named && causeOf(issuance, named, workloads);
    if (named === undefined || cause === undefined) continue;
    const pod = { ...named, ...cause, identity, podName, podUid, atMs: nowMs, lastSeenMs };
    gone.set(`${podUid} ${cause.serviceAccountUid ?? ''} ${identity}`, pod);
  }
  return [...gone.values()];
}

interface Named {
  readonly namespace: string;
  readonly serviceAccount: string;
}

function namesIn(uri: string): Named | undefined {
  const spiffeId = SpiffeId.parse(uri);
  if (!(spiffeId instanceof SpiffeId)) return undefined;
  const identity = kubernetesIdentityOf(spiffeId);
  return 'problem' in identity ? undefined : { namespace: identity.namespace, serviceAccount: identity.serviceAccount };
}

/** @returns nothing for a pod that has its identity. */
function causeOf(
  { podName, podUid, serviceAccountUid }: PodIssuance,
  { namespace, serviceAccount }: Named,
  workloads: WorkloadDirectory,
): { readonly reason: ClosingReason; readonly serviceAccountUid?: string } | undefined {
  if (isRemoved(workloads, namespace)) return { reason: 'namespace_removed' };
  const pod = workloads.pod(namespace, podName);
  if (pod?.uid !== podUid) return { reason: 'pod_deleted' };
  if (hasEnded(pod)) return { reason: 'pod_finished' };
  const account = workloads.serviceAccount(namespace, serviceAccount);
  const of = serviceAccountUid === undefined ? {} : { serviceAccountUid };
  if (account === undefined) return { reason: 'service_account_deleted', ...of };
  const isOther = serviceAccountUid !== undefined && serviceAccountUid !== account.uid;
  return isOther ? { reason: 'service_account_recreated', ...of } : undefined;
}
