// What differs between two snapshots of the cluster, so that a change wakes and decides again only what it concerns.
import type { ClusterSnapshot, KubernetesObject } from './snapshot.ts';

/** Stands for a namespace's name where objects of the cluster itself are meant. */
export const CLUSTER_ITSELF = '';

/**
 * Kinds of objects, by the name of the namespace that they are in. A Namespace object is in the cluster itself and, as
 * its labels are the namespace's, in the namespace that it describes.
 */
export type KindsByNamespace = ReadonlyMap<string, ReadonlySet<string>>;

/** `everything` where nothing is known to have stayed: a view that has just synced, or has become incomplete or complete. */
export type ClusterChange = 'everything' | KindsByNamespace;

/** @returns whether something changed of what depends on these objects. */
export function concerns(change: ClusterChange, dependencies: KindsByNamespace): boolean {
  if (change === 'everything') return true;
  return dependencies.entries().some(([namespace, kinds]) => {
    const changed = change.get(namespace);
    return changed !== undefined && !changed.isDisjointFrom(kinds);
  });
}

/** Objects that are the same value, and those of the same UID and resource version, have not changed. */
export function changeBetween(before: ClusterSnapshot, after: ClusterSnapshot): ClusterChange {
  if (before.unsynced !== after.unsynced || before.incomplete !== after.incomplete) return 'everything';
  const changed = new Map<string, Set<string>>();
  const note = (namespace: string, kind: string): void => {
    changed.set(namespace, (changed.get(namespace) ?? new Set()).add(kind));
  };
  for (const namespace of new Set([...before.kinds.keys(), ...after.kinds.keys()])) {
    const place = namespace === CLUSTER_ITSELF ? {} : { namespace };
    for (const kind of kindsIn(namespace, before, after)) {
      const names = changedNames(before.list({ kind, ...place }), after.list({ kind, ...place }));
      if (names.size === 0) continue;
      note(namespace, kind);
      if (namespace === CLUSTER_ITSELF && kind === 'Namespace') for (const name of names) note(name, kind);
    }
  }
  return changed;
}

function kindsIn(namespace: string, ...snapshots: readonly ClusterSnapshot[]): ReadonlySet<string> {
  return new Set(snapshots.flatMap(({ kinds }) => [...(kinds.get(namespace) ?? [])]));
}

/** @param before as `list` gives them, of one kind and namespace; `after` likewise. */
function changedNames(before: readonly KubernetesObject[], after: readonly KubernetesObject[]): ReadonlySet<string> {
  const names = new Set<string>();
  if (before.length === after.length && before.every((object, index) => isSame(object, after[index]))) return names;
  const former = new Map(before.map((object) => [fullName(object), object]));
  for (const object of after) {
    const name = fullName(object);
    if (isSame(object, former.get(name))) former.delete(name);
    else names.add(object.metadata.name);
  }
  for (const { metadata } of former.values()) names.add(metadata.name);
  return names;
}

/** Two groups may use one kind and name. */
function fullName({ apiVersion, metadata }: KubernetesObject): string {
  return `${apiVersion} ${metadata.name}`;
}

function isSame(one: KubernetesObject, other: KubernetesObject | undefined): boolean {
  if (one === other) return true;
  return (
    other !== undefined &&
    fullName(one) === fullName(other) &&
    one.metadata.uid === other.metadata.uid &&
    one.metadata.resourceVersion === other.metadata.resourceVersion
  );
}
