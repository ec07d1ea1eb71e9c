// A snapshot that follows the cluster object by object: the next one shares with the last what did not change, so that an
// event costs what it touches, however large the cluster is. Of each kind that was ever asked to be followed it says whether
// something can be said.
import { PersistentMap } from '../bounded/persistent-map.ts';
import { compareText } from '../text/compare-text.ts';
import { CLUSTER_ITSELF, type ClusterChange, type KindsByNamespace } from './cluster-change.ts';
import { NamespaceVersions } from './namespace-versions.ts';
import type { ClusterSnapshot, KubernetesObject, NamedObject, ObjectQuery } from './snapshot.ts';

export interface ObjectChange {
  /** Absent where the object is new. */
  readonly before: KubernetesObject | undefined;
  /** Absent where the object is gone. One that was made anew under the same name has another uid than before. */
  readonly after: KubernetesObject | undefined;
}

/** By `kindKey`: why nothing can be said of its objects, or nothing. A kind that is not among them is not followed. */
export type FollowedKinds = ReadonlyMap<string, string | undefined>;

/** Of one kind in one namespace, in the order of their names; two API versions of one name stand side by side. */
type InOrder = readonly KubernetesObject[];
type ByKind = ReadonlyMap<string, InOrder>;

/** @returns one key for what policies call by the same names; without an API version it is another than with one. */
export function kindKey({ kind, apiVersion = '' }: Pick<ObjectQuery, 'kind' | 'apiVersion'>): string {
  return `${apiVersion} ${kind}`;
}

interface Contents {
  readonly remoteCluster: string | undefined;
  readonly version: string;
  readonly versions: NamespaceVersions;
  readonly change: ClusterChange;
  readonly followed: FollowedKinds;
  readonly byNamespace: PersistentMap<ByKind>;
}

export class FollowedSnapshot implements ClusterSnapshot {
  readonly remoteCluster: string | undefined;
  readonly version: string;
  readonly versions: NamespaceVersions;
  /** What differs from the snapshot before it. */
  readonly change: ClusterChange;
  readonly #followed: FollowedKinds;
  readonly #byNamespace: PersistentMap<ByKind>;
  #kinds: KindsByNamespace | undefined;

  private constructor({ remoteCluster, version, versions, change, followed, byNamespace }: Contents) {
    this.remoteCluster = remoteCluster;
    this.version = version;
    this.versions = versions;
    this.change = change;
    this.#followed = followed;
    this.#byNamespace = byNamespace;
  }

  /** @param remoteCluster as of a snapshot. */
  static empty(version: string, followed: FollowedKinds, remoteCluster?: string): FollowedSnapshot {
    const versions = NamespaceVersions.allOf(version);
    return new FollowedSnapshot({
      remoteCluster,
      version,
      versions,
      change: 'everything',
      followed,
      byNamespace: PersistentMap.empty(),
    });
  }

  /** @param changes one after the other; `before` as this snapshot has it. @param version no other snapshot has. */
  after(changes: Iterable<ObjectChange>, version: string): FollowedSnapshot {
    const changed = new Map<string, Map<string, ObjectChange[]>>();
    for (const one of changes) {
      const { kind, metadata } = (one.after ?? one.before) as KubernetesObject;
      const byKind = changed.get(metadata.namespace ?? CLUSTER_ITSELF) ?? new Map<string, ObjectChange[]>();
      changed.set(metadata.namespace ?? CLUSTER_ITSELF, byKind);
      const ofKind = byKind.get(kind);
      if (ofKind === undefined) byKind.set(kind, [one]);
      else ofKind.push(one);
    }
    const byNamespace = this.#byNamespace.with(
      changed.entries().map(([namespace, byKind]) => [namespace, this.#replaced(namespace, byKind)] as const),
    );
    const change = kindsIn(changed);
    const versions = this.versions.after(change, version);
    const { remoteCluster } = this;
    return new FollowedSnapshot({ remoteCluster, version, versions, change, followed: this.#followed, byNamespace });
  }

  /** The same objects, of which something else can be said. */
  following(followed: FollowedKinds, version: string): FollowedSnapshot {
    const versions = NamespaceVersions.allOf(version);
    const [change, byNamespace] = ['everything' as const, this.#byNamespace];
    const { remoteCluster } = this;
    return new FollowedSnapshot({ remoteCluster, version, versions, change, followed, byNamespace });
  }

  get kinds(): KindsByNamespace {
    this.#kinds ??= new Map(
      this.#byNamespace.entries().map(([namespace, byKind]) => [namespace, new Set(byKind.keys())] as const),
    );
    return this.#kinds;
  }

  unsyncedFor(query: ObjectQuery): string | undefined {
    const key = kindKey(query);
    return this.#followed.has(key)
      ? this.#followed.get(key)
      : `${query.kind} objects of the cluster are not followed yet`;
  }

  list({ kind, apiVersion, namespace }: ObjectQuery): readonly KubernetesObject[] {
    const known = this.#byNamespace.get(namespace ?? CLUSTER_ITSELF)?.get(kind) ?? NONE;
    if (apiVersion === undefined) return known;
    return known.every((object) => object.apiVersion === apiVersion)
      ? known
      : known.filter((object) => object.apiVersion === apiVersion);
  }

  find({ kind, apiVersion, namespace, name }: NamedObject): KubernetesObject | undefined {
    const known = this.#byNamespace.get(namespace ?? CLUSTER_ITSELF)?.get(kind) ?? NONE;
    const index = placeOf(known, { apiVersion, name });
    const found = known[index];
    return found?.metadata.name === name && found.apiVersion === apiVersion ? found : undefined;
  }

  #replaced(namespace: string, changed: ReadonlyMap<string, readonly ObjectChange[]>): ByKind | undefined {
    const byKind = new Map(this.#byNamespace.get(namespace));
    for (const [kind, changes] of changed) {
      const inOrder = merged(byKind.get(kind) ?? NONE, changes);
      if (inOrder.length === 0) byKind.delete(kind);
      else byKind.set(kind, inOrder);
    }
    return byKind.size === 0 ? undefined : byKind;
  }
}

const NONE: InOrder = [];
/** With more changes at once than this, sorting anew costs less than a place for each. */
const ONE_BY_ONE = 8;

function kindsIn(changed: ReadonlyMap<string, ReadonlyMap<string, readonly ObjectChange[]>>): KindsByNamespace {
  const kinds = new Map(changed.entries().map(([namespace, byKind]) => [namespace, new Set(byKind.keys())] as const));
  // Its labels are the namespace's.
  for (const { before, after } of changed.get(CLUSTER_ITSELF)?.get('Namespace') ?? []) {
    const { name } = ((after ?? before) as KubernetesObject).metadata;
    kinds.set(name, (kinds.get(name) ?? new Set()).add('Namespace'));
  }
  return kinds;
}

function merged(known: InOrder, changes: readonly ObjectChange[]): InOrder {
  if (changes.length > ONE_BY_ONE) return mergedAtOnce(known, changes);
  const inOrder = [...known];
  for (const { before, after } of changes) {
    const object = (after ?? before) as KubernetesObject;
    const at = placeOf(inOrder, nameOf(object));
    const isThere = inOrder[at] !== undefined && compare(nameOf(inOrder[at]), nameOf(object)) === 0;
    if (after === undefined) inOrder.splice(at, isThere ? 1 : 0);
    else inOrder.splice(at, isThere ? 1 : 0, after);
  }
  return inOrder;
}

function mergedAtOnce(known: InOrder, changes: readonly ObjectChange[]): InOrder {
  const byName = new Map(known.map((object) => [keyOf(object), object]));
  for (const { before, after } of changes) {
    if (after !== undefined) byName.set(keyOf(after), after);
    else if (before !== undefined) byName.delete(keyOf(before));
  }
  return [...byName.values()].sort((a, b) => compare(nameOf(a), nameOf(b)));
}

interface Named {
  readonly apiVersion: string;
  readonly name: string;
}

function nameOf({ apiVersion, metadata: { name } }: KubernetesObject): Named {
  return { apiVersion, name };
}

function keyOf({ apiVersion, metadata: { name } }: KubernetesObject): string {
  return `${name} ${apiVersion}`;
}

function compare(one: Named, other: Named): number {
  return compareText(one.name, other.name) || compareText(one.apiVersion, other.apiVersion);
}

/** @returns where the object stands, or would. */
function placeOf(inOrder: InOrder, wanted: Named): number {
  let [from, to] = [0, inOrder.length];
  while (from < to) {
    const middle = (from + to) >>> 1;
    if (compare(nameOf(inOrder[middle] as KubernetesObject), wanted) < 0) from = middle + 1;
    else to = middle;
  }
  return from;
}
