// Asks, for each request and each renewal, whether the workload behind the caller is still there, and says at once when one
// is gone. The answer comes from memory; what a credential names and nobody has seen yet is waited for, for a moment.
import { hasEnded } from '../../domain/cluster/pod-phase.ts';
import { AuthorityError } from '../../domain/errors.ts';
import { Recent } from '../../domain/bounded/recent.ts';
import type { Caller } from '../../domain/identity/caller.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { AttestedCluster, AttestedClusters } from '../../ports/cluster/attested-clusters.ts';
import type { Gone } from '../../ports/cluster/workload-directory.ts';
import type { GoneCallers } from '../surface/surface.ts';
import { THERE, type Attestation, type Standing } from './attestation.ts';
import { absenceOf, type Absence } from './standing.ts';

/** How far the watch of a pod may lag behind its token: a kubelet starts containers within this of the pod's creation. */
export const LAG_MS = 1_000;
const LOOK_EVERY_MS = 50;
/** The API server is tried again and again meanwhile; whoever waits may as well. */
const AGAIN_MS = 5_000;
/** UIDs of what is known to be gone: nobody waits for it. */
const MAX_GONE = 20_000;

export interface WorkloadAttestationParts {
  readonly clusters: AttestedClusters;
  readonly clock: Pick<Clock, 'sleep' | 'monotonicMs'>;
}

export class WorkloadAttestation implements Attestation {
  readonly #parts: WorkloadAttestationParts;
  readonly #gone = new Recent<true>(MAX_GONE);

  constructor(parts: WorkloadAttestationParts) {
    this.#parts = parts;
  }

  /** Remembers from now on what is gone. */
  start(options: { readonly signal: AbortSignal }): void {
    this.#parts.clusters.onGone((gone, remoteCluster) => {
      if (gone.kind !== 'namespace') this.#gone.set(goneKey(uidOf(gone), remoteCluster), true);
    }, options);
  }

  async demand(caller: Caller, { signal }: { readonly signal: AbortSignal }): Promise<Standing> {
    if (caller.attestation === undefined) return THERE;
    const cluster = this.#clusterOf(caller);
    const { unavailable } = cluster.workloads;
    if (unavailable !== undefined) return asSeenBefore(cluster, unavailable);
    const absence = absenceOf(caller, cluster.workloads);
    if (absence !== undefined) await this.#untilSeen(caller, absence, signal);
    const staleMs = cluster.workloads.staleMs();
    return staleMs > 0 ? { clusterStaleMs: Math.ceil(staleMs) } : THERE;
  }

  onGone(listener: (gone: GoneCallers) => void, options: { readonly signal: AbortSignal }): void {
    this.#parts.clusters.onGone((gone, remoteCluster) => listener(goneCallers(gone, remoteCluster)), options);
  }

  /** Resolves when it is there after all. */
  async #untilSeen(caller: Caller, first: Absence, signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    const untilMs = clock.monotonicMs() + LAG_MS;
    let absence: Absence | undefined = first;
    while (absence !== undefined) {
      const { reason, detail, mayBeNew } = absence;
      if (!mayBeNew || this.#isKnownGone(caller)) throw new AuthorityError(reason, { detail });
      const { workloads } = this.#clusterOf(caller);
      if (clock.monotonicMs() >= untilMs) throw neverSeen(absence, workloads.staleMs());
      await clock.sleep(LOOK_EVERY_MS, { signal });
      absence = absenceOf(caller, this.#clusterOf(caller).workloads);
    }
  }

  #isKnownGone({ pod, attestation, remoteCluster }: Caller): boolean {
    const uids = [pod?.podUid, attestation?.serviceAccountUid];
    return uids.some((uid) => uid !== undefined && this.#gone.get(goneKey(uid, remoteCluster)) === true);
  }

  #clusterOf({ remoteCluster }: Caller): AttestedCluster {
    const cluster = this.#parts.clusters.of(remoteCluster);
    if (cluster !== undefined) return cluster;
    throw new AuthorityError('CAP-A14', { detail: `the cluster ${remoteCluster} of the credential` });
  }
}

/**
 * A server that starts while the API server is away knows of nobody who is there. Nothing can be deleted meanwhile, so within
 * the same bound as ever it goes by what a server before it heard: who had a good credential then is believed.
 * @throws AuthorityError CAP-S13 when that is not known, or the API server was seen since and fell silent.
 */
function asSeenBefore(cluster: AttestedCluster, unavailable: string): Standing {
  const seenMs = cluster.workloads.staleMs() === Infinity ? cluster.seenBeforeStartMs() : undefined;
  if (seenMs === undefined) throw new AuthorityError('CAP-S13', { detail: unavailable, retryAfterMs: AGAIN_MS });
  return { clusterStaleMs: Math.ceil(seenMs) };
}

/** What was made while the API server is not followed has been seen by nobody, so it cannot be told from what never was. */
function neverSeen({ reason, detail }: Absence, staleMs: number): AuthorityError {
  if (staleMs === 0) return new AuthorityError(reason, { detail });
  const since = `the API server has not been followed for ${Math.ceil(staleMs / 1_000)} s, and before that ${detail}`;
  return new AuthorityError('CAP-S13', { detail: since, retryAfterMs: AGAIN_MS });
}

function uidOf(gone: Gone): string {
  switch (gone.kind) {
    case 'pod':
      return gone.pod.uid;
    case 'serviceAccount':
      return gone.serviceAccount.uid;
    case 'namespace':
      return gone.namespace.uid;
  }
}

function goneKey(uid: string, remoteCluster = ''): string {
  return `${remoteCluster} ${uid}`;
}

function goneCallers(gone: Gone, remoteCluster: string | undefined): GoneCallers {
  const { namespace, error, isOf } = factsOf(gone);
  return {
    namespace,
    error,
    concerns: (caller) =>
      caller.attestation !== undefined &&
      caller.remoteCluster === remoteCluster &&
      caller.identity.namespace === namespace &&
      isOf(caller),
  };
}

function factsOf(gone: Gone) {
  switch (gone.kind) {
    case 'pod': {
      const { namespace, name, uid, phase } = gone.pod;
      const how = hasEnded(gone.pod) ? `has ended (${phase})` : 'is gone';
      const error = new AuthorityError('CAP-A11', { detail: `pod ${namespace}/${name} ${how}` });
      return { namespace, error, isOf: ({ pod }: Caller) => pod?.podUid === uid };
    }
    case 'serviceAccount': {
      const { namespace, name, uid } = gone.serviceAccount;
      const error = new AuthorityError('CAP-A12', { detail: `service account ${namespace}/${name} is gone` });
      // A credential that names no UID is of whichever account has the name.
      const isOf = ({ identity, attestation }: Caller): boolean =>
        identity.serviceAccount === name && (attestation?.serviceAccountUid ?? uid) === uid;
      return { namespace, error, isOf };
    }
    case 'namespace': {
      const namespace = gone.namespace.name;
      const error = new AuthorityError('CAP-A12', { detail: `namespace ${namespace} is gone or being deleted` });
      return { namespace, error, isOf: () => true };
    }
  }
}
