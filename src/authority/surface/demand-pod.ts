// Whether a pod is there as a request for it says. The API server has looked when a kubelet asked; anybody else who may make
// such objects in a namespace writes what they like into them.
import { AuthorityError } from '../../domain/errors.ts';
import { abortable } from '../../live/abortable.ts';
import type { WorkloadDirectory } from '../../ports/cluster/workload-directory.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import { THERE, type Standing } from '../attestation/attestation.ts';
import type { PodRequest } from './surface.ts';

export interface PodParts {
  readonly workloads: WorkloadDirectory;
  readonly clock: Pick<Clock, 'after'>;
}

/**
 * Pods, service accounts and requests come by three watches, so a request may be here a little before the others; and what
 * is refused through it is refused for the pod's whole life.
 */
const WAIT_MS = 2_000;

/** Pods that have ended (Kubernetes, pod lifecycle): nothing of them runs that could use a certificate. */
const ENDED: readonly string[] = ['Succeeded', 'Failed'];

/**
 * @returns how it was known.
 * @throws AuthorityError CAP-A11 when the pod is not there, CAP-A12 when its service account is another by now, CAP-M06
 *   when it is not what the request says, CAP-S13 when nothing can be said of the cluster.
 */
export async function demandPod(
  parts: PodParts,
  request: PodRequest,
  options: { readonly signal: AbortSignal },
): Promise<Standing> {
  const { workloads } = parts;
  const { identity, pod } = request;
  const { namespace, serviceAccount } = identity;
  demandSeen(workloads);
  await isComplete(parts, request, options);
  demandSeen(workloads);
  const found = workloads.pod(namespace, pod.podName);
  const name = `pod ${namespace}/${pod.podName} of UID ${pod.podUid}`;
  if (found?.uid !== pod.podUid) throw new AuthorityError('CAP-A11', { detail: name });
  if (ENDED.includes(found.phase)) throw new AuthorityError('CAP-A11', { detail: `${name} has ended` });
  if (found.serviceAccount !== serviceAccount) throw other(`${name} runs as another service account`);
  if (found.node !== pod.nodeName) throw other(`${name} is not on node ${pod.nodeName}`);
  if (workloads.serviceAccount(namespace, serviceAccount)?.uid !== request.serviceAccountUid) {
    throw new AuthorityError('CAP-A12', { detail: `${namespace}/${serviceAccount}` });
  }
  const clusterStaleMs = workloads.staleMs();
  return clusterStaleMs === 0 ? THERE : { clusterStaleMs };
}

function other(detail: string): AuthorityError {
  return new AuthorityError('CAP-M06', { detail });
}

function demandSeen({ unavailable }: WorkloadDirectory): void {
  if (unavailable !== undefined) throw new AuthorityError('CAP-S13', { detail: unavailable });
}

/** Resolves when the pod is there, on a node, with its service account; or after a while. */
async function isComplete(
  { workloads, clock }: PodParts,
  { identity: { namespace, serviceAccount }, pod: { podName, podUid } }: PodRequest,
  { signal }: { readonly signal: AbortSignal },
): Promise<void> {
  const isThere = (): boolean => {
    const pod = workloads.pod(namespace, podName);
    return (
      pod?.uid === podUid && pod.node !== undefined && workloads.serviceAccount(namespace, serviceAccount) !== undefined
    );
  };
  if (isThere()) return;
  await abortable<undefined>(signal, ({ resolve }) => {
    const over = new AbortController();
    const stop = clock.after(WAIT_MS, () => resolve(undefined));
    workloads.onPod(() => isThere() && resolve(undefined), { signal: over.signal });
    return () => {
      stop();
      over.abort();
    };
  });
}
