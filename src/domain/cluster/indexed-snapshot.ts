// A snapshot in memory, indexed by kind and namespace.
import { compareText } from '../text/compare-text.ts';
import { changeBetween, CLUSTER_ITSELF, type ClusterChange, type KindsByNamespace } from './cluster-change.ts';
import { NamespaceVersions } from './namespace-versions.ts';
import type { ClusterSnapshot, KubernetesObject, NamedObject, ObjectQuery } from './snapshot.ts';

/** Objects of one kind in one namespace. */
interface KindIndex {
  readonly inOrder: KubernetesObject[];
  /** By API version and name. */
  readonly byName: Map<string, KubernetesObject>;
}

export interface SnapshotFacts {
  /** As in ClusterSnapshot. */
  readonly incomplete?: string | undefined;
  /** The snapshot that this one follows; absent, everything counts as changed. */
  readonly before?: ClusterSnapshot;
}

export class IndexedSnapshot implements ClusterSnapshot {
  readonly version: string;
  readonly versions: NamespaceVersions;
  readonly kinds: KindsByNamespace;
  /** What differs from the snapshot before it. */
  readonly change: ClusterChange;
  readonly incomplete?: string;
  readonly #byNamespace = new Map<string, Map<string, KindIndex>>();

  /** @param objects no two of one group, kind, namespace and name. */
  constructor(version: string, objects: Iterable<KubernetesObject>, { incomplete, before }: SnapshotFacts = {}) {
    this.version = version;
    if (incomplete !== undefined) this.incomplete = incomplete;
    for (const object of objects) this.#add(object);
    for (const byKind of this.#byNamespace.values()) {
      for (const { inOrder } of byKind.values()) inOrder.sort((a, b) => compareText(a.metadata.name, b.metadata.name));
    }
    this.kinds = new Map(this.#byNamespace.entries().map(([namespace, byKind]) => [namespace, new Set(byKind.keys())]));
    this.change = before === undefined ? 'everything' : changeBetween(before, this);
    this.versions = (before?.versions ?? NamespaceVersions.allOf(version)).after(this.change, version);
  }

  list({ kind, apiVersion, namespace }: ObjectQuery): readonly KubernetesObject[] {
    const known = this.#indexOf(kind, namespace)?.inOrder ?? [];
    return apiVersion === undefined ? known : known.filter((object) => object.apiVersion === apiVersion);
  }

  find({ kind, apiVersion, namespace, name }: NamedObject): KubernetesObject | undefined {
    return this.#indexOf(kind, namespace)?.byName.get(`${apiVersion} ${name}`);
  }

  #add(object: KubernetesObject): void {
    const { kind, apiVersion, metadata } = object;
    const { name, namespace = CLUSTER_ITSELF } = metadata;
    const byKind = this.#byNamespace.get(namespace) ?? new Map<string, KindIndex>();
    const index = byKind.get(kind) ?? { inOrder: [], byName: new Map<string, KubernetesObject>() };
    index.inOrder.push(object);
    index.byName.set(`${apiVersion} ${name}`, object);
    byKind.set(kind, index);
    this.#byNamespace.set(namespace, byKind);
  }

  #indexOf(kind: string, namespace: string | undefined): KindIndex | undefined {
    return this.#byNamespace.get(namespace ?? CLUSTER_ITSELF)?.get(kind);
  }
}
