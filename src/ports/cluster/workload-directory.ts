// What is known of the workloads of one cluster, for who asks whether a caller is who its credential says: pods, service
// accounts and namespaces as they were when the API server last said something. Answers at once, from memory.
import type { CoveredPod } from '../../domain/inventory/coverage.ts';

/** A pod, as far as authentication and policy ask for it. */
export interface KnownPod {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
  /** Of `spec.serviceAccountName`; `default` where the pod names none. */
  readonly serviceAccount: string;
  /** Absent until the pod is bound to a node. */
  readonly node?: string;
  /** `Pending`, `Running`, `Succeeded`, `Failed` or `Unknown` (Kubernetes API, PodStatus). */
  readonly phase: string;
  /** Somebody has asked for its deletion; it may run on for its grace period. */
  readonly terminating: boolean;
  readonly labels: Readonly<Record<string, string>>;
  /** Digests of what its containers run, as in SubjectPod (domain/policy/subject-pods.ts). */
  readonly images: readonly string[];
}

export interface KnownServiceAccount {
  readonly namespace: string;
  readonly name: string;
  readonly uid: string;
}

export interface KnownNamespace {
  readonly name: string;
  readonly uid: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Being deleted: nothing new may be made in it. */
  readonly terminating: boolean;
}

/** What was there and is not any more; a new object of the same name has another uid. */
export type Gone =
  /** Deleted, or ended for good: `hasEnded` tells. One that has ended may be told of again when it is deleted. */
  | { readonly kind: 'pod'; readonly pod: KnownPod }
  | { readonly kind: 'serviceAccount'; readonly serviceAccount: KnownServiceAccount }
  /** Gone, or being deleted from now on. */
  | { readonly kind: 'namespace'; readonly namespace: KnownNamespace };

/** Nothing here throws. What is not found is not there, unless `unavailable` says that nothing can be said. */
export interface WorkloadDirectory {
  /**
   * Why nothing can be said: the first synchronisation is not over, or the API server has been silent for longer than
   * `cluster.kubernetes.staleAfter`. A question that depends on the cluster is then UNAVAILABLE, not refused.
   */
  readonly unavailable: string | undefined;
  /** Milliseconds since the API server last confirmed what is known here, while it cannot be followed; 0 while it can. */
  staleMs(): number;
  /**
   * Namespaces that have more than is kept of one, a few: some of their pods and accounts are as if they were not there, and
   * told of as gone. Enough to refuse them, and no proof that they are.
   */
  readonly leftOut: readonly string[];
  pod(namespace: string, name: string): KnownPod | undefined;
  podByUid(uid: string): KnownPod | undefined;
  /** Pods bound to a node that run as a service account, whatever their phase. */
  podsOn(node: string, account: { readonly namespace: string; readonly serviceAccount: string }): readonly KnownPod[];
  /** All pods of a namespace, whatever their phase. */
  podsIn(namespace: string): readonly KnownPod[];
  /** All pods of the cluster as it is asked whether they are in the mesh; one by one, and what comes meanwhile may be among them. */
  meshPods(): Iterable<CoveredPod>;
  meshPodByUid(uid: string): CoveredPod | undefined;
  serviceAccount(namespace: string, name: string): KnownServiceAccount | undefined;
  namespace(name: string): KnownNamespace | undefined;
  /** Calls `listener` for whatever is gone, within a turn of the watch event, until the signal aborts. */
  onGone(listener: (gone: Gone) => void, options: { readonly signal: AbortSignal }): void;
  /** Calls `listener` after a pod was bound to a node, or came there: who waits for it looks again. */
  onPod(listener: (pod: KnownPod) => void, options: { readonly signal: AbortSignal }): void;
}
