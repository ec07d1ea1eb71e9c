// The version of each namespace in a snapshot: that of the first snapshot in which the namespace was as it is now. So a
// version stands for one content, and what is remembered under it holds as long as it stays.
import type { ClusterChange } from './cluster-change.ts';

/** Namespaces whose versions are kept, also of those that are gone; beyond it all count as changed. */
const MAX_TRACKED = 100_000;

export class NamespaceVersions {
  /** Of every namespace that has not changed since. */
  readonly #first: string;
  readonly #changed: ReadonlyMap<string, string>;

  private constructor(first: string, changed: ReadonlyMap<string, string>) {
    this.#first = first;
    this.#changed = changed;
  }

  /** @param version of the snapshot. */
  static allOf(version: string): NamespaceVersions {
    return new NamespaceVersions(version, new Map());
  }

  /** @param version of the snapshot after the change. */
  after(change: ClusterChange, version: string): NamespaceVersions {
    if (change === 'everything') return NamespaceVersions.allOf(version);
    const changed = new Map(this.#changed);
    for (const namespace of change.keys()) changed.set(namespace, version);
    return changed.size > MAX_TRACKED ? NamespaceVersions.allOf(version) : new NamespaceVersions(this.#first, changed);
  }

  /** @param namespace may be `CLUSTER_ITSELF`, or one without objects. */
  of(namespace: string): string {
    return this.#changed.get(namespace) ?? this.#first;
  }
}
