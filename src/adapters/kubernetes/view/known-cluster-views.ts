// The views of all clusters that are known: of each that comes the kinds that policies name are followed as of the own one,
// and end with it. One that is away can say nothing of its own callers, and costs those of others nothing.
import { unsyncedSnapshot } from '../../../domain/cluster/snapshot.ts';
import type { ClusterChange } from '../../../domain/cluster/cluster-change.ts';
import type { NamedKinds } from '../../../domain/policy/named-kinds.ts';
import { Listeners } from '../../../live/listeners.ts';
import type { ClusterView } from '../../../ports/policy/cluster-view.ts';
import type { ClusterViews } from '../../../ports/policy/cluster-views.ts';
import type { KnownCluster, KnownClusters } from '../clusters/known-clusters.ts';
import type { LiveClusterView, UnseenKind } from './live-cluster-view.ts';

export interface KnownClusterViewsParts {
  /** Of the own cluster, wherever it comes from. */
  readonly own: ClusterView;
  readonly clusters: Pick<KnownClusters, 'onAdded'>;
  /** Makes the view of another cluster; nothing is started by it. */
  readonly viewOf: (cluster: KnownCluster) => LiveClusterView;
}

/** One kind of one cluster. */
export interface UnseenRemoteKind extends UnseenKind {
  readonly remoteCluster: string;
}

export class KnownClusterViews implements ClusterViews {
  readonly #parts: KnownClusterViewsParts;
  readonly #others = new Map<string, { readonly view: LiveClusterView; readonly signal: AbortSignal }>();
  readonly #listeners = new Listeners<[ClusterChange, string | undefined]>();
  #needed: NamedKinds | undefined;

  constructor(parts: KnownClusterViewsParts) {
    this.#parts = parts;
  }

  /** Begins to follow which clusters there are, until the signal aborts. */
  start(options: { readonly signal: AbortSignal }): void {
    const { own, clusters } = this.#parts;
    own.onChange((change) => this.#listeners.notify(change, undefined), options);
    clusters.onAdded((cluster) => this.#add(cluster), options);
  }

  of(remoteCluster: string | undefined): Pick<ClusterView, 'current' | 'staleMs'> {
    if (remoteCluster === undefined) return this.#parts.own;
    return this.#others.get(remoteCluster)?.view ?? viewOfNothing(remoteCluster);
  }

  onChange(
    listener: (change: ClusterChange, remoteCluster: string | undefined) => void,
    options: { readonly signal: AbortSignal },
  ): void {
    this.#listeners.add(listener, options);
  }

  /** Follows these kinds in each other cluster from now on and no others; in those that come later as well. */
  need(kinds: NamedKinds): void {
    this.#needed = kinds;
    for (const { view, signal } of this.#others.values()) view.need(kinds, { signal });
  }

  /** Why some of another cluster cannot be followed, the first of them by name. */
  get problem(): string | undefined {
    const troubled = this.#others.entries().find(([, { view }]) => view.problem !== undefined);
    return troubled && `cluster ${troubled[0]}: ${troubled[1].view.problem ?? ''}`;
  }

  /** As `LiveClusterView.unseen`, of all others. */
  unseen(): readonly UnseenRemoteKind[] {
    return this.#others
      .entries()
      .toArray()
      .flatMap(([remoteCluster, { view }]) => view.unseen().map((kind) => ({ remoteCluster, ...kind })));
  }

  #add(cluster: KnownCluster): void {
    const { id, signal } = cluster;
    const known = { view: this.#parts.viewOf(cluster), signal };
    this.#others.set(id, known);
    known.view.onChange((change) => this.#listeners.notify(change, id), { signal });
    if (this.#needed !== undefined) known.view.need(this.#needed, { signal });
    this.#listeners.notify('everything', id);
    signal.addEventListener('abort', () => this.#remove(id, known), { once: true });
  }

  /** Unless another of the same id has taken its place. */
  #remove(id: string, known: { readonly view: LiveClusterView }): void {
    if (this.#others.get(id)?.view !== known.view) return;
    this.#others.delete(id);
    this.#listeners.notify('everything', id);
  }
}

function viewOfNothing(remoteCluster: string): Pick<ClusterView, 'current' | 'staleMs'> {
  const snapshot = unsyncedSnapshot(`the cluster ${remoteCluster} is not known here`, remoteCluster);
  return { current: () => snapshot, staleMs: () => 0 };
}
