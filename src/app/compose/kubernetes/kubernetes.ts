// The Kubernetes API of the own cluster, and the caches that other parts read. A part that asks the API for something of
// its own has a file beside this one.
import {
  inClusterConnection,
  kubeconfigConnection,
  type ApiConnection,
} from '../../../adapters/kubernetes/api/api-connection.ts';
import { KubernetesClient } from '../../../adapters/kubernetes/api/kubernetes-client.ts';
import type { KubernetesApi } from '../../../adapters/kubernetes/api/kubernetes-api.ts';
import { KnownClusters } from '../../../adapters/kubernetes/clusters/known-clusters.ts';
import {
  FollowedWorkloads,
  workloadCaches,
  type WorkloadCaches,
} from '../../../adapters/kubernetes/workloads/followed-workloads.ts';
import type { Config } from '../../../config/schema.ts';
import { degradedBy, notReady, type HealthState } from '../../../ports/platform/health.ts';
import type { Foundation } from '../foundation.ts';

export interface Kubernetes {
  readonly api: KubernetesApi;
  /** That Capstan itself runs in, for what is its own there: its lease, its Secret. */
  readonly namespace: string;
  readonly caches: WorkloadCaches;
  readonly clusters: KnownClusters;
}

/** Where neither the configuration nor the connection names one: istiod's. */
const NAMESPACE = 'istio-system';
/** Longest that the start waits for the caches; the server then starts, and is not ready before they are. */
const START_WITHIN_MS = 10_000;

/** @returns nothing where no API server is configured. */
export function composeKubernetes({ cluster }: Config, foundation: Foundation): Kubernetes | undefined {
  const { from, kubeconfig, context, namespace, staleAfter: staleAfterMs } = cluster.kubernetes;
  if (from === undefined) return undefined;
  const { clock, random, events, health, startUp, running: signal } = foundation;
  const connection = connectionOf(kubeconfig, context);
  const api = new KubernetesClient({ connection, clock });
  const caches = workloadCaches({ api, clock, random, events, cluster: cluster.id });
  const workloads = new FollowedWorkloads(caches, { staleAfterMs });
  startUp.at('load', async (options) => {
    workloads.start({ signal });
    const wait = new AbortController();
    const stop = clock.after(START_WITHIN_MS, () => wait.abort());
    const either = AbortSignal.any([options.signal, wait.signal]);
    await workloads.whenSynced({ signal: either }).catch(() => options.signal.throwIfAborted());
    stop();
  });
  health.report('kubernetes', () => workloadHealth(workloads));
  return {
    api,
    namespace: namespace ?? connection.namespace ?? NAMESPACE,
    caches,
    clusters: new KnownClusters({ id: cluster.id, api, workloads, signal }),
  };
}

function connectionOf(kubeconfig: string | undefined, context: string | undefined): ApiConnection {
  return kubeconfig === undefined ? inClusterConnection() : kubeconfigConnection(kubeconfig, context);
}

/** Before the first synchronisation nobody can be judged; later others would be no better off. */
function workloadHealth(workloads: FollowedWorkloads): HealthState {
  const { unavailable, problem } = workloads;
  if (unavailable !== undefined && workloads.staleMs() === Infinity) return notReady(unavailable);
  return degradedBy(unavailable ?? problem);
}
