// The Kubernetes API of the own cluster, and the caches that other parts read. A part that asks the API for something of
// its own has a file beside this one.
import { HttpsConnection } from '../../../adapters/kubernetes/api/api-connection.ts';
import type { ApiAccess } from '../../../adapters/kubernetes/api/access/api-access.ts';
import { inClusterAccess } from '../../../adapters/kubernetes/api/access/in-cluster.ts';
import { kubeconfigFileAccess } from '../../../adapters/kubernetes/api/access/kubeconfig.ts';
import { KubernetesClient } from '../../../adapters/kubernetes/api/kubernetes-client.ts';
import type { KubernetesApi } from '../../../adapters/kubernetes/api/kubernetes-api.ts';
import { KnownClusters } from '../../../adapters/kubernetes/clusters/known-clusters.ts';
import { FollowedWorkloads, workloadCaches } from '../../../adapters/kubernetes/workloads/followed-workloads.ts';
import type { RemoteClusters } from '../../../adapters/kubernetes/clusters/remote-clusters.ts';
import { processEnvironment } from '../../../config/environment.ts';
import type { Config } from '../../../config/schema.ts';
import { degradedBy, notReady, type HealthState } from '../../../ports/platform/health.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { Lease } from '../../../ports/storage/lease.ts';
import { composeAttestation, type ClusterAttestation } from './attestation.ts';
import type { Foundation } from '../foundation.ts';
import { composeRemoteClusters } from './remote-clusters.ts';
import { composeLease } from './lease.ts';

export interface Kubernetes {
  readonly api: KubernetesApi;
  /** That Capstan itself runs in, for what is its own there: its lease, its Secret. */
  readonly namespace: string;
  readonly clusters: KnownClusters;
  readonly remotes: RemoteClusters;
  /** Of the parts that write into the cluster, which one process does for all replicas. */
  readonly lease: Lease;
  /** Who callers of these clusters are, and whether they are still there. */
  readonly attestation: ClusterAttestation;
}

/** Where neither the configuration nor the connection names one: istiod's. */
const NAMESPACE = 'istio-system';

/** @returns nothing where no API server is configured. */
export function composeKubernetes(config: Config, foundation: Foundation): Kubernetes | undefined {
  const { cluster } = config;
  const { from, staleAfter: staleAfterMs } = cluster.kubernetes;
  if (from === undefined) return undefined;
  const { clock, random, events, health, startUp, startWait, running: signal } = foundation;
  const { api, access } = ownApi(config, clock);
  const caches = workloadCaches({ api, clock, random, events, cluster: cluster.id });
  const workloads = new FollowedWorkloads(caches, { staleAfterMs });
  startUp.at('load', async (options) => {
    workloads.start({ signal });
    // The server is not ready before they are.
    await startWait.until(async (either) => workloads.whenSynced(either), options);
  });
  const namespace = cluster.kubernetes.namespace ?? access.namespace ?? NAMESPACE;
  const clusters = new KnownClusters({ id: cluster.id, api, caches, workloads, signal });
  const attestation = composeAttestation(config, foundation, clusters);
  health.report('kubernetes', () => workloadHealth(workloads, attestation.seenBeforeStart));
  const remotes = composeRemoteClusters(config, foundation, { api, clusters });
  return {
    api,
    namespace,
    remotes,
    lease: composeLease(config, foundation, { api, namespace }),
    clusters,
    attestation,
  };
}

/** The API server of the own cluster, and what is known of how it is reached. @throws AuthorityError CAP-X03 when it is not known how. */
export function ownApi({ cluster }: Config, clock: Clock): { readonly api: KubernetesApi; readonly access: ApiAccess } {
  const { kubeconfig, context } = cluster.kubernetes;
  const environment = processEnvironment();
  const access =
    kubeconfig === undefined
      ? inClusterAccess(environment)
      : kubeconfigFileAccess({ files: [kubeconfig], environment, ...(context !== undefined && { context }) });
  return { api: new KubernetesClient({ connection: new HttpsConnection(access, clock), clock }), access };
}

/** Before the first synchronisation nobody can be judged, unless by what a server of before saw; later others would be no better off. */
function workloadHealth(workloads: FollowedWorkloads, seenBeforeStart: boolean): HealthState {
  const { unavailable, problem } = workloads;
  const unsynced = unavailable !== undefined && workloads.staleMs() === Infinity;
  return unsynced && !seenBeforeStart ? notReady(unavailable) : degradedBy(unavailable ?? problem);
}
