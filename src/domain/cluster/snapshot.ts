// What the cluster looked like at one moment. Conditions are pure functions over it: the same snapshot
// and the same request give the same decision.
import { compareText } from '../text/compare-text.ts';

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
  /** Changes whenever anything in it does. */
  readonly version: string;
  /** Why nothing can be said of the cluster yet; absent when everything can. */
  readonly unsynced?: string;
  /** Why something may be there that is not found; absent when what is not found is not there. */
  readonly incomplete?: string;
  /** In the order of their names. */
  list(query: ObjectQuery): readonly KubernetesObject[];
  find(query: NamedObject): KubernetesObject | undefined;
}

/** @param why in words for an operator. */
export function unsyncedSnapshot(why: string): ClusterSnapshot {
  return { version: 'unsynced', unsynced: why, list: () => [], find: () => undefined };
}

/** Objects of one kind in one place. */
interface KindIndex {
  readonly inOrder: KubernetesObject[];
  /** By API version and name. */
  readonly byName: Map<string, KubernetesObject>;
}

export class IndexedSnapshot implements ClusterSnapshot {
  readonly version: string;
  readonly incomplete?: string;
  readonly #byKind = new Map<string, KindIndex>();

  /** @param objects no two of one group, kind, namespace and name. @param incomplete as in ClusterSnapshot. */
  constructor(version: string, objects: Iterable<KubernetesObject>, incomplete?: string) {
    this.version = version;
    if (incomplete !== undefined) this.incomplete = incomplete;
    for (const object of objects) {
      const key = indexKey(object.kind, object.metadata.namespace);
      const index = this.#byKind.get(key) ?? { inOrder: [], byName: new Map<string, KubernetesObject>() };
      index.inOrder.push(object);
      index.byName.set(`${object.apiVersion} ${object.metadata.name}`, object);
      this.#byKind.set(key, index);
    }
    for (const { inOrder } of this.#byKind.values()) {
      inOrder.sort((a, b) => compareText(a.metadata.name, b.metadata.name));
    }
  }

  list({ kind, apiVersion, namespace }: ObjectQuery): readonly KubernetesObject[] {
    const known = this.#byKind.get(indexKey(kind, namespace))?.inOrder ?? [];
    return apiVersion === undefined ? known : known.filter((object) => object.apiVersion === apiVersion);
  }

  find({ kind, apiVersion, namespace, name }: NamedObject): KubernetesObject | undefined {
    return this.#byKind.get(indexKey(kind, namespace))?.byName.get(`${apiVersion} ${name}`);
  }
}

export function referenceTo({ kind, metadata }: KubernetesObject): ObjectReference {
  const { name, namespace, uid, resourceVersion } = metadata;
  return { kind, ...(namespace !== undefined && { namespace }), name, uid, resourceVersion };
}

function indexKey(kind: string, namespace: string | undefined): string {
  return `${kind}/${namespace ?? ''}`;
}
