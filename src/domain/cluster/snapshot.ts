// What the cluster looked like at one moment. Conditions are pure functions over it: the same snapshot
// and the same request give the same decision.
import type { KindsByNamespace } from './cluster-change.ts';
import { NamespaceVersions } from './namespace-versions.ts';

/** A Kubernetes object as its manifest or the API server spells it. Everything but these fields is unchecked data. */
export interface KubernetesObject {
  readonly apiVersion: string;
  readonly kind: string;
  readonly metadata: {
    readonly name: string;
    /** Absent for what belongs to the cluster. */
    readonly namespace?: string;
    readonly uid: string;
    readonly resourceVersion: string;
    readonly labels?: Readonly<Record<string, string>>;
    readonly annotations?: Readonly<Record<string, string>>;
  };
  readonly [field: string]: unknown;
}

/** Which object a decision looked at, and which state of it. */
export interface ObjectReference {
  readonly kind: string;
  readonly namespace?: string;
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
}

/** Which objects to look for. */
export interface ObjectQuery {
  readonly kind: string;
  /** Absent: whatever group and version. */
  readonly apiVersion?: string;
  /** Absent: objects of the cluster itself. */
  readonly namespace?: string;
}

/** One object: two groups may have objects of one kind and name. */
export interface NamedObject extends ObjectQuery {
  readonly apiVersion: string;
  readonly name: string;
}

export interface ClusterSnapshot {
  /** Whose objects these are; absent, those of the server's own cluster. */
  readonly remoteCluster?: string | undefined;
  /** Changes whenever anything in it does. */
  readonly version: string;
  /** Of each namespace and of the cluster itself: changes whenever anything there does. */
  readonly versions: NamespaceVersions;
  /** Which kinds of objects there are. */
  readonly kinds: KindsByNamespace;
  /** Why nothing can be said of the cluster yet; absent when everything can. */
  readonly unsynced?: string;
  /** Why something may be there that is not found; absent when what is not found is not there. */
  readonly incomplete?: string;
  /**
   * Why nothing can be said of the objects that a query is for, whatever can be said of others; absent when something can.
   * A snapshot without this answers for all kinds alike.
   */
  unsyncedFor?(query: ObjectQuery): string | undefined;
  /** In the order of their names. */
  list(query: ObjectQuery): readonly KubernetesObject[];
  find(query: NamedObject): KubernetesObject | undefined;
}

/** @param why in words for an operator. @param remoteCluster as of a snapshot. */
export function unsyncedSnapshot(why: string, remoteCluster?: string): ClusterSnapshot {
  const version = 'unsynced';
  return {
    remoteCluster,
    version,
    versions: NamespaceVersions.allOf(version),
    kinds: new Map(),
    unsynced: why,
    list: () => [],
    find: () => undefined,
  };
}

/**
 * An object of the same name in another cluster says nothing of a subject: whoever hands in the wrong one learns nothing.
 * @returns the snapshot that conditions on a subject are about.
 */
export function snapshotFor(
  { remoteCluster }: { readonly remoteCluster?: string },
  snapshot: ClusterSnapshot,
): ClusterSnapshot {
  if (snapshot.remoteCluster === remoteCluster) return snapshot;
  const whose = remoteCluster === undefined ? "the server's own cluster" : `the cluster ${remoteCluster}`;
  return unsyncedSnapshot(`the objects of ${whose} are not seen here`, remoteCluster);
}

export function referenceTo({ kind, metadata }: KubernetesObject): ObjectReference {
  const { name, namespace, uid, resourceVersion } = metadata;
  return { kind, ...(namespace !== undefined && { namespace }), name, uid, resourceVersion };
}
