// The pods of one account on one node, asked of the API server: a list by field selectors (Kubernetes API, field selectors
// of Pod), which it answers from its own cache or etcd, newer than any watch of ours.
import { AuthorityError } from '../../../domain/errors.ts';
import type { NodeAccount, NodePods } from '../../../ports/cluster/node-pods.ts';
import type { KnownPod } from '../../../ports/cluster/workload-directory.ts';
import { POD } from '../api/kinds.ts';
import { KubernetesApiError, type KubernetesApi } from '../api/kubernetes-api.ts';
import { knownPod } from './followed-workloads.ts';

export function apiNodePods(api: Pick<KubernetesApi, 'list'>): NodePods {
  return {
    podsOn: async ({ node, namespace, serviceAccount }, options): Promise<readonly KnownPod[]> => {
      const fields = `spec.nodeName=${node},spec.serviceAccountName=${serviceAccount}`;
      const { items } = await api.list(POD, { namespace, fields }, options).catch(unanswered);
      // What a server does not heed of a selector is no proof.
      return items.map(knownPod).filter((pod) => isOf(pod, { node, namespace, serviceAccount }));
    },
  };
}

function isOf(pod: KnownPod, { node, namespace, serviceAccount }: NodeAccount): boolean {
  return pod.node === node && pod.namespace === namespace && pod.serviceAccount === serviceAccount;
}

function unanswered(cause: unknown): never {
  if (!(cause instanceof KubernetesApiError)) throw cause;
  const { retryAfterMs, reason } = cause;
  throw new AuthorityError('CAP-S13', {
    detail: `the API server did not answer for the pods of a node (${reason})`,
    ...(retryAfterMs !== undefined && { retryAfterMs }),
    cause,
  });
}
