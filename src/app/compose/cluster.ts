// The view of the cluster that policy may ask for.
import { watchedDirectory } from '../../adapters/files/watched-directory.ts';
import { ManifestClusterView } from '../../adapters/kubernetes/manifests/manifest-cluster-view.ts';
import { readManifestDirectory } from '../../adapters/kubernetes/manifests/manifest-directory.ts';
import type { Config } from '../../config/schema.ts';
import { unsyncedSnapshot } from '../../domain/cluster/snapshot.ts';
import { degradedBy } from '../../ports/platform/health.ts';
import type { ClusterView } from '../../ports/policy/cluster-view.ts';
import type { Foundation } from './foundation.ts';
import { composeKubernetes, type Kubernetes } from './kubernetes/kubernetes.ts';

export interface Cluster {
  readonly view: ClusterView;
  /** Absent where no view of the cluster is configured. */
  readonly manifests: ManifestClusterView | undefined;
  /** Absent where no API server is configured. */
  readonly kubernetes: Kubernetes | undefined;
}

export function composeCluster(config: Config, foundation: Foundation): Cluster {
  const { cluster } = config;
  const { files, events, health, startUp, running } = foundation;
  const manifests = cluster.manifests === undefined ? undefined : manifestsIn(cluster.manifests);
  startUp.at('load', async () => manifests?.start({ signal: running }));
  health.report('cluster', () => degradedBy(manifests?.problem));
  const kubernetes = composeKubernetes(config, foundation);
  return { view: manifests ?? NO_CLUSTER, manifests, kubernetes };

  function manifestsIn(root: string): ManifestClusterView {
    const documents = watchedDirectory({ root, read: readManifestDirectory }, files);
    return new ManifestClusterView({ documents, events });
  }
}

/** Without manifests nothing can be said of the cluster; a policy that asks for it is told so, and denies nobody. */
const NO_CLUSTER: ClusterView = {
  current: () => UNSEEN,
  onChange: () => undefined,
};
const UNSEEN = unsyncedSnapshot('no view of the cluster is configured (cluster.manifests)');
