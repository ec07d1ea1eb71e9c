// Objects of one kind in memory, by namespace and name and by indexes of the reader's choice. A change costs what it
// touches.
import type { ObjectChange } from '../../../domain/cluster/followed-snapshot.ts';
import type { KubernetesObject } from '../../../domain/cluster/snapshot.ts';
import type { KeptBytes } from './kept-bytes.ts';

export type { ObjectChange };

type KeysOf = (object: KubernetesObject) => readonly string[];
type Place = Map<string, KubernetesObject>;

/** A new list, taken in as it comes: what it has is newer than what was there, and what it lacks goes at its end. */
export interface Relisting {
  /** @returns what changed by it. */
  put(object: KubernetesObject): ObjectChange | undefined;
  /** Takes out what was not in the list. @returns what changed by it. */
  end(): readonly ObjectChange[];
}

/** Objects of the cluster itself stand under the empty name, which no namespace has. */
const CLUSTER = '';
const NONE: ReadonlySet<KubernetesObject> = new Set();

export class ObjectStore {
  readonly #indexes: readonly { readonly name: string; readonly keysOf: KeysOf }[];
  readonly #found = new Map<string, Map<string, Set<KubernetesObject>>>();
  readonly #byNamespace = new Map<string, Place>();
  readonly #kept: KeptBytes;
  #size = 0;

  /** @param kept counts what is kept, and nothing else. */
  constructor(indexes: Readonly<Record<string, KeysOf>>, kept: KeptBytes) {
    this.#kept = kept;
    this.#indexes = Object.entries(indexes).map(([name, keysOf]) => ({ name, keysOf }));
    for (const { name } of this.#indexes) this.#found.set(name, new Map());
  }

  get size(): number {
    return this.#size;
  }

  get(namespace: string = CLUSTER, name: string): KubernetesObject | undefined {
    return this.#byNamespace.get(namespace)?.get(name);
  }

  list(namespace?: string): Iterable<KubernetesObject> {
    if (namespace !== undefined) return this.#byNamespace.get(namespace)?.values() ?? NONE;
    return this.#byNamespace.values().flatMap((place) => place.values());
  }

  /** @param index one of those that were given. */
  byIndex(index: string, key: string): Iterable<KubernetesObject> {
    return this.#found.get(index)?.get(key) ?? NONE;
  }

  /**
   * @param anew whether another part of the same state is kept now.
   * @returns nothing when the store has this very state of the object already, or leaves it out.
   * @throws KubernetesApiError when there is no room for it, whoever owns it.
   */
  put(object: KubernetesObject, { anew = false } = {}): ObjectChange | undefined {
    const { name, namespace = CLUSTER } = object.metadata;
    const place = this.#byNamespace.get(namespace) ?? new Map<string, KubernetesObject>();
    const before = place.get(name);
    if (before === object || (!anew && isSame(object, before))) return undefined;
    if (!this.#kept.replace(before, object)) return this.#takeOut(object);
    place.set(name, object);
    this.#byNamespace.set(namespace, place);
    if (before === undefined) this.#size += 1;
    else this.#unindex(before);
    this.#index(object);
    return { before, after: object };
  }

  delete(object: KubernetesObject): ObjectChange | undefined {
    const { namespace, name } = object.metadata;
    this.#kept.remove(object.metadata, this.get(namespace, name));
    return this.#takeOut(object);
  }

  /** @param options as of `put`. */
  relisting(options: { readonly anew: boolean }): Relisting {
    const seen = new Set<KubernetesObject>();
    this.#kept.relist();
    return {
      put: (object) => {
        const change = this.put(object, options);
        const { namespace, name } = object.metadata;
        seen.add(this.get(namespace, name) ?? object);
        return change;
      },
      end: () => {
        this.#kept.relisted();
        const gone = [...this.list()].filter((object) => !seen.has(object));
        return gone.map((object) => this.delete(object)).filter((change) => change !== undefined);
      },
    };
  }

  #takeOut({ metadata: { name, namespace = CLUSTER } }: KubernetesObject): ObjectChange | undefined {
    const place = this.#byNamespace.get(namespace);
    const before = place?.get(name);
    if (place === undefined || before === undefined) return undefined;
    place.delete(name);
    if (place.size === 0) this.#byNamespace.delete(namespace);
    this.#size -= 1;
    this.#unindex(before);
    return { before, after: undefined };
  }

  #index(object: KubernetesObject): void {
    for (const { name, keysOf } of this.#indexes) {
      const index = this.#found.get(name);
      for (const key of keysOf(object)) index?.set(key, (index.get(key) ?? new Set()).add(object));
    }
  }

  #unindex(object: KubernetesObject): void {
    for (const { name, keysOf } of this.#indexes) {
      const index = this.#found.get(name);
      for (const key of keysOf(object)) {
        const found = index?.get(key);
        found?.delete(object);
        if (found?.size === 0) index?.delete(key);
      }
    }
  }
}

function isSame({ metadata }: KubernetesObject, other: KubernetesObject | undefined): boolean {
  const { uid, resourceVersion } = metadata;
  return other?.metadata.uid === uid && other.metadata.resourceVersion === resourceVersion;
}
