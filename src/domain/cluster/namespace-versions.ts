// The version of each namespace in a snapshot: that of the first snapshot in which the namespace was as it is now. So a
// version stands for one content, and what is remembered under it holds as long as it stays.
import { PersistentMap } from '../bounded/persistent-map.ts';
import type { ClusterChange } from './cluster-change.ts';

/** Namespaces whose versions are kept, also of those that are gone; beyond it all count as changed. */
const MAX_TRACKED = 100_000;

export class NamespaceVersions {
  /** Of every namespace that has not changed since. */
  readonly #first: string;
  readonly #changed: PersistentMap<string>;

  private constructor(first: string, changed: PersistentMap<string>) {
    this.#first = first;
    this.#changed = changed;
  }

  /** @param version of the snapshot. */
  static allOf(version: string): NamespaceVersions {
    return new NamespaceVersions(version, PersistentMap.empty());
  }

  /** @param version of the snapshot after the change. */
  after(change: ClusterChange, version: string): NamespaceVersions {
    if (change === 'everything') return NamespaceVersions.allOf(version);
    const changed = this.#changed.with(change.keys().map((namespace) => [namespace, version] as const));
    return changed.size > MAX_TRACKED ? NamespaceVersions.allOf(version) : new NamespaceVersions(this.#first, changed);
  }

  /** @param namespace may be `CLUSTER_ITSELF`, or one without objects. */
  of(namespace: string): string {
    return this.#changed.get(namespace) ?? this.#first;
  }
}
