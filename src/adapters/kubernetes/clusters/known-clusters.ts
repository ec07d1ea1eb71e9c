// The clusters whose workloads this server knows: its own, and others that may come and go while it runs. A caller says
// which one it is of (`clusterid`), and nothing that is known of one is ever asked for another.
import { Listeners } from '../../../live/listeners.ts';
import type { KubernetesApi } from '../api/kubernetes-api.ts';
import type { FollowedWorkloads, WorkloadCaches } from '../workloads/followed-workloads.ts';

export interface KnownCluster {
  /** As callers name it; of the own one, `cluster.id`. */
  readonly id: string;
  readonly api: KubernetesApi;
  /** What the workloads are read from, and policies' view of the cluster with them. */
  readonly caches: WorkloadCaches;
  readonly workloads: FollowedWorkloads;
  /** Aborts when the cluster is no longer known: what was begun for it ends. */
  readonly signal: AbortSignal;
}

export class KnownClusters {
  readonly own: KnownCluster;
  readonly #others = new Map<string, KnownCluster>();
  readonly #listeners = new Listeners<[KnownCluster]>();

  constructor(own: KnownCluster) {
    this.own = own;
  }

  /** @param id of a request; absent or empty, the own cluster is meant, as in istiod. */
  of(id: string | undefined): KnownCluster | undefined {
    if (id === undefined || id === '' || id === this.own.id) return this.own;
    return this.#others.get(id);
  }

  all(): readonly KnownCluster[] {
    return [this.own, ...this.#others.values()];
  }

  /** Calls `listener` for each cluster that is added, until the signal aborts; its own signal says when it goes. */
  onAdded(listener: (cluster: KnownCluster) => void, options: { readonly signal: AbortSignal }): void {
    this.#listeners.add(listener, options);
  }

  /** @param cluster of an id that is not known, nor the own one's. */
  add(cluster: KnownCluster): void {
    this.#others.set(cluster.id, cluster);
    this.#listeners.notify(cluster);
  }

  remove(id: string): void {
    this.#others.delete(id);
  }
}
