// The view of the cluster that policy may ask for.
import { watchedDirectory } from '../../adapters/files/watched-directory.ts';
import { ManifestClusterView } from '../../adapters/kubernetes/manifests/manifest-cluster-view.ts';
import { readManifestDirectory } from '../../adapters/kubernetes/manifests/manifest-directory.ts';
import type { Config } from '../../config/schema.ts';
import { unsyncedSnapshot } from '../../domain/cluster/snapshot.ts';
import { degradedBy } from '../../ports/platform/health.ts';
import type { ClusterView } from '../../ports/policy/cluster-view.ts';
import type { ClusterViews } from '../../ports/policy/cluster-views.ts';
import type { Foundation } from './foundation.ts';
import { composeLiveViews, type LiveViews } from './kubernetes/live-view.ts';
import { composeKubernetes, type Kubernetes } from './kubernetes/kubernetes.ts';

export interface Cluster {
  /** Of the own cluster. */
  readonly view: ClusterView;
  /** Of each cluster whose callers are served. */
  readonly views: ClusterViews;
  /** Absent where no view of the cluster is configured. */
  readonly manifests: ManifestClusterView | undefined;
  /** Both absent where no API server is configured. */
  readonly kubernetes: Kubernetes | undefined;
  readonly live: LiveViews | undefined;
}

export function composeCluster(config: Config, foundation: Foundation): Cluster {
  const { cluster } = config;
  const { files, events, health, startUp, running, telemetry } = foundation;
  const manifests = cluster.manifests === undefined ? undefined : manifestsIn(cluster.manifests);
  startUp.at('load', async () => manifests?.start({ signal: running }));
  const kubernetes = composeKubernetes(config, foundation);
  const live = kubernetes && composeLiveViews(config, foundation, kubernetes);
  health.report('cluster', () => degradedBy(manifests?.problem ?? live?.own.problem ?? live?.views.problem));
  telemetry.observeClusters(() => [
    ...(live === undefined ? [] : [{ cluster: cluster.id, staleMs: live.own.staleMs() }]),
    ...(kubernetes?.remotes.ages() ?? []).map(({ cluster, staleMs }) => ({
      cluster,
      staleMs: Math.max(staleMs, live?.views.of(cluster).staleMs() ?? 0),
    })),
  ]);
  const view = manifests ?? live?.own ?? NO_CLUSTER;
  return { view, views: live?.views ?? onlyOwn(view), manifests, kubernetes, live };

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

/** Without an API server no other cluster is known. */
function onlyOwn(view: ClusterView): ClusterViews {
  return {
    of: (remoteCluster) => (remoteCluster === undefined ? view : NO_CLUSTER),
    onChange: (listener, options) => view.onChange((change) => listener(change, undefined), options),
  };
}
