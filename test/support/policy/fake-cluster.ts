// A view of the cluster whose snapshots a test gives; every cluster is this one, unless a test gives it another.
import { changeBetween, type ClusterChange } from '../../../src/domain/cluster/cluster-change.ts';
import { IndexedSnapshot } from '../../../src/domain/cluster/indexed-snapshot.ts';
import type { ClusterSnapshot, KubernetesObject } from '../../../src/domain/cluster/snapshot.ts';
import type { ClusterView } from '../../../src/ports/policy/cluster-view.ts';
import type { ClusterViews } from '../../../src/ports/policy/cluster-views.ts';
import { snapshot } from './policies.ts';

export class FakeCluster implements ClusterView, ClusterViews {
  readonly remotes = new Map<string, FakeCluster>();
  readonly #listeners = new Set<(change: ClusterChange, remoteCluster: string | undefined) => void>();
  #snapshot: ClusterSnapshot;
  #swaps = 0;

  constructor(view: ClusterSnapshot = snapshot()) {
    this.#snapshot = view;
  }

  /** As `staleMs` answers. */
  age = 0;

  staleMs(): number {
    return this.age;
  }

  of(remoteCluster: string | undefined): FakeCluster {
    return this.remotes.get(remoteCluster ?? '') ?? this;
  }

  /** From now on another cluster than the own. */
  addRemote(id: string): FakeCluster {
    const remote = new FakeCluster(Object.assign(snapshot(), { remoteCluster: id }));
    this.remotes.set(id, remote);
    remote.onChange((change) => this.#notify(change, id));
    return remote;
  }

  current(): ClusterSnapshot {
    return this.#snapshot;
  }

  onChange(listener: (change: ClusterChange, remoteCluster: string | undefined) => void): void {
    this.#listeners.add(listener);
  }

  swap(next: ClusterSnapshot): void {
    const change = changeBetween(this.#snapshot, next);
    this.#snapshot = next;
    this.#notify(change, undefined);
  }

  /** As `swap`, with these objects and no others. */
  show(...objects: readonly KubernetesObject[]): void {
    this.#swaps += 1;
    const { remoteCluster } = this.#snapshot;
    const shown = new IndexedSnapshot(`shown ${this.#swaps}`, objects, { before: this.#snapshot });
    this.swap(Object.assign(shown, { remoteCluster }));
  }

  #notify(change: ClusterChange, remoteCluster: string | undefined): void {
    for (const listener of this.#listeners) listener(change, remoteCluster);
  }
}
