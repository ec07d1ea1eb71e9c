// What the cluster looked like at one moment. Conditions are pure functions over it: the same snapshot
// and the same request give the same decision.
import { compareText } from './names.ts';

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

export interface ClusterSnapshot {
  /** Changes whenever anything in it does. */
  readonly version: string;
  /** Why nothing can be said of the cluster yet; absent when everything can. */
  readonly unsynced?: string;
  /** In the order of their names. */
  list(query: ObjectQuery): readonly KubernetesObject[];
  find(query: ObjectQuery & { readonly name: string }): KubernetesObject | undefined;
}

/** @param why in words for an operator. */
export function unsyncedSnapshot(why: string): ClusterSnapshot {
  return { version: 'unsynced', unsynced: why, list: () => [], find: () => undefined };
}

export class IndexedSnapshot implements ClusterSnapshot {
  readonly version: string;
  readonly #objects = new Map<string, KubernetesObject[]>();

  /** @param objects no two of one kind, namespace and name. */
  constructor(version: string, objects: Iterable<KubernetesObject>) {
    this.version = version;
    for (const object of objects) {
      const key = keyOf(object.kind, object.metadata.namespace);
      const known = this.#objects.get(key);
      if (known === undefined) this.#objects.set(key, [object]);
      else known.push(object);
    }
    for (const known of this.#objects.values()) known.sort((a, b) => compareText(a.metadata.name, b.metadata.name));
  }

  list({ kind, apiVersion, namespace }: ObjectQuery): readonly KubernetesObject[] {
    const known = this.#objects.get(keyOf(kind, namespace)) ?? [];
    return apiVersion === undefined ? known : known.filter((object) => object.apiVersion === apiVersion);
  }

  find({ name, ...query }: ObjectQuery & { readonly name: string }): KubernetesObject | undefined {
    return this.list(query).find((object) => object.metadata.name === name);
  }
}

export function referenceTo({ kind, metadata }: KubernetesObject): ObjectReference {
  const { name, namespace, uid, resourceVersion } = metadata;
  return { kind, ...(namespace !== undefined && { namespace }), name, uid, resourceVersion };
}

function keyOf(kind: string, namespace: string | undefined): string {
  return `${kind}/${namespace ?? ''}`;
}
