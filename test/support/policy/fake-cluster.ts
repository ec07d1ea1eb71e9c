// A view of the cluster whose snapshots a test gives.
import { changeBetween, type ClusterChange } from '../../../src/domain/cluster/cluster-change.ts';
import { IndexedSnapshot } from '../../../src/domain/cluster/indexed-snapshot.ts';
import type { ClusterSnapshot, KubernetesObject } from '../../../src/domain/cluster/snapshot.ts';
import type { ClusterView } from '../../../src/ports/policy/cluster-view.ts';
import { snapshot } from './policies.ts';

export class FakeCluster implements ClusterView {
  readonly #listeners = new Set<(change: ClusterChange) => void>();
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

  current(): ClusterSnapshot {
    return this.#snapshot;
  }

  onChange(listener: (change: ClusterChange) => void): void {
    this.#listeners.add(listener);
  }

  swap(next: ClusterSnapshot): void {
    const change = changeBetween(this.#snapshot, next);
    this.#snapshot = next;
    for (const listener of this.#listeners) listener(change);
  }

  /** As `swap`, with these objects and no others. */
  show(...objects: readonly KubernetesObject[]): void {
    this.#swaps += 1;
    this.swap(new IndexedSnapshot(`shown ${this.#swaps}`, objects, { before: this.#snapshot }));
  }
}
