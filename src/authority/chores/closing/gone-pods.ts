// The pods of one cluster that lost their identity and are not on record yet: as the watch tells of them, each with why.
// Bounded; what finds no place is found again among what was issued.
import { hasEnded } from '../../../domain/cluster/pod-phase.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { Gone, KnownPod, WorkloadDirectory } from '../../../ports/cluster/workload-directory.ts';
import type { ClosingReason } from '../../../ports/storage/closing-journal.ts';

export interface GonePod {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly podName: string;
  readonly podUid: string;
  readonly reason: ClosingReason;
  /** SPIFFE ID, where it is known by what the pod was given. */
  readonly identity?: string;
  /** Only what this account vouched for is over: the pod itself may be there. */
  readonly serviceAccountUid?: string;
  /** In ms since the epoch. */
  readonly atMs: number;
  /** As in ClosingRecord. */
  readonly lastSeenMs?: number;
}

export interface GonePodsParts {
  readonly workloads: WorkloadDirectory;
  readonly clock: Pick<Clock, 'nowMs' | 'monotonicMs'>;
  /** Called with the namespace of what may be gone, or left out of what is known. */
  readonly unsure: (namespace: string) => void;
}

/** Some megabytes; more are gone at once only with a large part of a cluster. */
export const MAX_GONE_PODS = 10_000;
/**
 * Until a certificate that was being issued when its pod went is on record, also by another server, whose watch may be a
 * little later.
 */
export const SETTLE_MS = 2_000;

interface Waiting {
  readonly pod: GonePod;
  readonly noticedMs: number;
}

export class GonePods {
  readonly #parts: GonePodsParts;
  readonly #waiting = new Map<string, Waiting>();
  #isOverflown = false;

  constructor(parts: GonePodsParts) {
    this.#parts = parts;
  }

  /** Listens until the signal aborts. */
  follow(options: { readonly signal: AbortSignal }): void {
    this.#parts.workloads.onGone((gone) => this.#take(gone), options);
  }

  /** When the first of them was seen to go, in ms since the epoch. */
  get firstAtMs(): number | undefined {
    const [first] = this.#waiting.values();
    return first?.pod.atMs;
  }

  /** Whether some found no place since this was asked last. */
  takeOverflow(): boolean {
    const overflown = this.#isOverflown;
    this.#isOverflown = false;
    return overflown;
  }

  /** Whether it waits already, as one that was seen to go. */
  has(pod: GonePod): boolean {
    return this.#waiting.has(keyOf(pod)) || this.#waiting.has(keyOf({ podUid: pod.podUid }));
  }

  /** Those whose last certificate is on record by now, at most `limit`, the first first; they stay until `remove`. */
  due(limit: number): readonly GonePod[] {
    const untilMs = this.#parts.clock.monotonicMs() - SETTLE_MS;
    const due: GonePod[] = [];
    for (const { pod, noticedMs } of this.#waiting.values()) {
      if (noticedMs > untilMs || due.length >= limit) break;
      due.push(this.#withCause(pod));
    }
    return due;
  }

  remove(pods: readonly GonePod[]): void {
    for (const pod of pods) this.#waiting.delete(keyOf(pod));
  }

  #take(gone: Gone): void {
    for (const pod of this.#podsOf(gone)) {
      if (mayBeLeftOut(this.#parts.workloads, pod)) this.#parts.unsure(pod.namespace);
      else this.#add(pod);
    }
  }

  /** What was noticed first stays: a pod that finished is deleted later. */
  #add(pod: GonePod): void {
    const key = keyOf(pod);
    if (this.#waiting.has(key)) return;
    if (this.#waiting.size >= MAX_GONE_PODS) this.#isOverflown = true;
    else this.#waiting.set(key, { pod, noticedMs: this.#parts.clock.monotonicMs() });
  }

  #podsOf(gone: Gone): readonly GonePod[] {
    const { workloads } = this.#parts;
    switch (gone.kind) {
      case 'pod':
        return [this.#gone(gone.pod, hasEnded(gone.pod) ? 'pod_finished' : 'pod_deleted')];
      case 'namespace':
        return workloads.podsIn(gone.namespace.name).map((pod) => this.#gone(pod, 'namespace_removed'));
      case 'serviceAccount': {
        const { namespace, name, uid: serviceAccountUid } = gone.serviceAccount;
        const pods = workloads.podsIn(namespace).filter(({ serviceAccount }) => serviceAccount === name);
        return pods.map((pod) => ({ ...this.#gone(pod, 'service_account_deleted'), serviceAccountUid }));
      }
    }
  }

  #gone({ namespace, serviceAccount, name, uid }: KnownPod, reason: ClosingReason): GonePod {
    return { namespace, serviceAccount, podName: name, podUid: uid, reason, atMs: this.#parts.clock.nowMs() };
  }

  /** An event says what happened to one object; why it did is seen a moment later. */
  #withCause(pod: GonePod): GonePod {
    const { workloads } = this.#parts;
    if (isRemoved(workloads, pod.namespace)) return { ...pod, reason: 'namespace_removed' };
    const isBack =
      pod.reason === 'service_account_deleted' &&
      workloads.serviceAccount(pod.namespace, pod.serviceAccount) !== undefined;
    return isBack ? { ...pod, reason: 'service_account_recreated' } : pod;
  }
}

/** What is not found where not everything is kept may be there. */
export function mayBeLeftOut(
  workloads: Pick<WorkloadDirectory, 'leftOut'>,
  { namespace, reason }: Pick<GonePod, 'namespace' | 'reason'>,
): boolean {
  return (reason === 'pod_deleted' || reason === 'service_account_deleted') && workloads.leftOut.includes(namespace);
}

export function isRemoved(workloads: WorkloadDirectory, namespace: string): boolean {
  return workloads.namespace(namespace)?.terminating ?? true;
}

function keyOf({ podUid, serviceAccountUid = '' }: Pick<GonePod, 'podUid' | 'serviceAccountUid'>): string {
  return `${podUid} ${serviceAccountUid}`;
}
