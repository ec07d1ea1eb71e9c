// Kubeconfigs in Secrets with Istio's label, as `istioctl create-remote-secret` makes them: each key of their data is the id of
// a cluster. Secrets are read in one namespace, and nothing but these.
import type { KubernetesObject } from '../../../domain/cluster/snapshot.ts';
import { SECRET } from '../api/kinds.ts';
import { followObjects, type CacheParts, type FollowedObjects } from '../api/object-cache.ts';
import type { GivenKubeconfig } from './remote-clusters.ts';

const MULTI_CLUSTER_LABEL = 'istio/multiCluster=true';

export function kubeconfigSecrets(parts: CacheParts, namespace: string): FollowedObjects {
  return followObjects(parts, SECRET, { namespace, labels: MULTI_CLUSTER_LABEL }, { keep: keptOfSecret });
}

/** @returns one for each key of each Secret; of two for one cluster that of the Secret which is first by name. */
export function kubeconfigsIn(secrets: Iterable<KubernetesObject>): ReadonlyMap<string, GivenKubeconfig> {
  const inOrder = [...secrets].sort((a, b) => (a.metadata.name < b.metadata.name ? 1 : -1));
  return new Map(inOrder.flatMap(givenIn));
}

function givenIn({ metadata, data }: KubernetesObject): readonly (readonly [string, GivenKubeconfig])[] {
  const { namespace = '', name } = metadata;
  return Object.entries((data ?? {}) as Readonly<Record<string, unknown>>).map(([id, base64]) => {
    const place = `Secret ${namespace}/${name}, key ${id}`;
    return [id, { place, text: Buffer.from(String(base64), 'base64').toString('utf8') }];
  });
}

function keptOfSecret({ apiVersion, kind, metadata, ...rest }: KubernetesObject): KubernetesObject {
  const { name, namespace, uid, resourceVersion } = metadata;
  const place = namespace === undefined ? {} : { namespace };
  return { apiVersion, kind, metadata: { name, ...place, uid, resourceVersion }, data: rest['data'] };
}
