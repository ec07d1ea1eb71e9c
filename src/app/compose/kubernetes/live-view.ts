// What policies see of each cluster through its API server: the kinds that those in force name.
import { followObjects } from '../../../adapters/kubernetes/api/object-cache.ts';
import { Discovery } from '../../../adapters/kubernetes/view/discovery.ts';
import type { KnownCluster } from '../../../adapters/kubernetes/clusters/known-clusters.ts';
import { KnownClusterViews } from '../../../adapters/kubernetes/view/known-cluster-views.ts';
import { LiveClusterView } from '../../../adapters/kubernetes/view/live-cluster-view.ts';
import { keptInFull } from '../../../adapters/kubernetes/workloads/kept-objects.ts';
import type { Config } from '../../../config/schema.ts';
import { kindsNamedBy } from '../../../domain/policy/named-kinds.ts';
import type { PolicySource } from '../../../ports/policy/policy-source.ts';
import type { Foundation } from '../foundation.ts';
import type { Kubernetes } from './kubernetes.ts';

export interface LiveViews {
  readonly own: LiveClusterView;
  /** Of the own cluster and all others. */
  readonly views: KnownClusterViews;
}

export function composeLiveViews(
  config: Config,
  foundation: Foundation,
  { clusters }: Pick<Kubernetes, 'clusters'>,
): LiveViews {
  const own = liveView(config, foundation, clusters.own);
  const viewOf = (cluster: KnownCluster): LiveClusterView => liveView(config, foundation, cluster, cluster.id);
  const views = new KnownClusterViews({ own, clusters, viewOf });
  views.start({ signal: foundation.running });
  return { own, views };
}

function liveView(
  { cluster: { kubernetes } }: Config,
  { clock, random, events }: Foundation,
  { id: cluster, api, caches }: KnownCluster,
  remoteCluster?: string,
): LiveClusterView {
  const parts = { api, clock, random, events, cluster };
  return new LiveClusterView(
    {
      ...parts,
      remoteCluster,
      discovery: new Discovery(parts),
      shared: [caches.namespaces, caches.serviceAccounts, caches.pods],
      follower: (kind) => followObjects(parts, kind, {}, { keep: keptInFull }),
      wantPodsInFull: () => caches.pods.keepOtherwise(keptInFull),
    },
    {
      staleAfterMs: kubernetes.staleAfter,
      run: Buffer.from(random.bytes(4)).toString('hex'),
    },
  );
}

/** Follows what policies name now and after each change of them. Resolves once the first of it is read in the own cluster, or a while later. */
export async function followPolicies(
  { own, views }: LiveViews,
  policies: PolicySource,
  { startWait, running: signal }: Foundation,
): Promise<void> {
  const need = (): void => {
    const kinds = kindsNamedBy(policies.current());
    own.need(kinds, { signal });
    views.need(kinds);
  };
  policies.onChange(need, { signal });
  need();
  // What is not read yet is UNAVAILABLE.
  await startWait.until(async (either) => own.settled(either), { signal });
}
