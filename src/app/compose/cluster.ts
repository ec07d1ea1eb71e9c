// The view of the cluster that policy may ask for.
import { watchedDirectory } from '../../adapters/files/watched-directory.ts';
import { ManifestClusterView } from '../../adapters/kubernetes/manifests/manifest-cluster-view.ts';
import { readManifestDirectory } from '../../adapters/kubernetes/manifests/manifest-directory.ts';
import type { Config } from '../../config/schema.ts';
import { unsyncedSnapshot } from '../../domain/cluster/snapshot.ts';
import { degradedBy } from '../../ports/platform/health.ts';
import type { ClusterView } from '../../ports/policy/cluster-view.ts';
import type { LiveClusterView } from '../../adapters/kubernetes/view/live-cluster-view.ts';
import type { Foundation } from './foundation.ts';
import { composeLiveView } from './kubernetes/live-view.ts';
import { composeKubernetes, type Kubernetes } from './kubernetes/kubernetes.ts';

export interface Cluster {
  readonly view: ClusterView;
  /** Absent where no view of the cluster is configured. */
  readonly manifests: ManifestClusterView | undefined;
  /** Both absent where no API server is configured. */
  readonly kubernetes: Kubernetes | undefined;
  readonly live: LiveClusterView | undefined;
}

export function composeCluster(config: Config, foundation: Foundation): Cluster {
  const { cluster } = config;
  const { files, events, health, startUp, running, telemetry } = foundation;
  const manifests = cluster.manifests === undefined ? undefined : manifestsIn(cluster.manifests);
  startUp.at('load', async () => manifests?.start({ signal: running }));
  const kubernetes = composeKubernetes(config, foundation);
  const live = kubernetes && composeLiveView(config, foundation, kubernetes);
  health.report('cluster', () => degradedBy(manifests?.problem ?? live?.problem));
  telemetry.observeClusters(() => [
    ...(live === undefined ? [] : [{ cluster: cluster.id, staleMs: live.staleMs() }]),
    ...(kubernetes?.remotes.ages() ?? []),
  ]);
  return { view: manifests ?? live ?? NO_CLUSTER, manifests, kubernetes, live };

  function manifestsIn(root: string): ManifestClusterView {
    const documents = watchedDirectory({ root, read: readManifestDirectory }, files);
    return new ManifestClusterView({ documents, events });
  }
}

/** Without manifests and an API server nothing can be said of the cluster; a policy that asks for it is told so, and denies nobody. */
const NO_CLUSTER: ClusterView = {
  current: () => UNSEEN,
  staleMs: () => 0,
  onChange: () => undefined,
};
const UNSEEN = unsyncedSnapshot('no view of the cluster is configured (cluster.manifests or cluster.kubernetes)');
