// How much is kept of the objects of one kind. An object may be 1.5 MiB (etcd's bound of a request), and whoever may make
// objects in a namespace may make very many of them: a namespace has a share, and beyond it its own objects are left out,
// as if they were not there, so that nobody else's are.
import type { KubernetesObject } from '../../../domain/cluster/snapshot.ts';
import { KubernetesApiError } from './kubernetes-api.ts';

export interface KeptBounds {
  /** Characters of JSON, of all objects of a kind; in memory it is some 1.6 bytes for each. */
  readonly total: number;
  /** Of those in one namespace. */
  readonly share: number;
}

/** A share is 80,000 pods as they are kept, or 8,000 in full; a total is as many as eight such namespaces have. */
export const KEPT_BOUNDS: KeptBounds = { total: 512 * 1024 * 1024, share: 64 * 1024 * 1024 };
/** A list that is too large is not asked for again at once. */
const RETRY_AFTER_MS = 60_000;

/** Objects of the cluster itself have no share: those who may make them may do anything. */
type Namespace = string | undefined;

export class KeptBytes {
  readonly #bounds: KeptBounds;
  readonly #onLeftOut: (namespace: string) => void;
  readonly #shares = new Map<string, number>();
  /** Names of objects that are not kept, by namespace. */
  readonly #leftOut = new Map<string, Set<string>>();
  /** Namespaces of which some was left out before the list that is being read. */
  readonly #before = new Set<string>();
  readonly #reported = new Set<string>();
  #total = 0;

  /** @param onLeftOut called when the first object of a namespace is left out. */
  constructor(bounds: KeptBounds, onLeftOut: (namespace: string) => void) {
    this.#bounds = bounds;
    this.#onLeftOut = onLeftOut;
  }

  /** The namespaces of which some is left out, or may be while they are listed anew. */
  get leftOut(): readonly string[] {
    return [...this.#before.union(this.#leftOut)];
  }

  /** Whether one of them has room again for a good part of it. */
  get hasRoom(): boolean {
    return this.#leftOut.keys().some((namespace) => (this.#shares.get(namespace) ?? 0) < this.#bounds.share / 2);
  }

  /**
   * Takes the place of another state of the object.
   * @returns whether it is to be kept; the other one is not, either way.
   * @throws KubernetesApiError when all that is kept would be too much; nothing has changed then.
   */
  replace(before: KubernetesObject | undefined, after: KubernetesObject): boolean {
    const { namespace, name } = after.metadata;
    const [former, size] = [before === undefined ? 0 : sizeOf(before), sizeOf(after)];
    const share = (this.#shares.get(namespace ?? '') ?? 0) - former;
    const fits = namespace === undefined || share + size <= this.#bounds.share;
    if (fits && this.#total - former + size > this.#bounds.total) throw tooMuch(after.kind, this.#bounds.total);
    this.#count(namespace, (fits ? size : 0) - former);
    if (fits) this.#found(namespace, name);
    else this.#leaveOut(namespace, name);
    return fits;
  }

  /** @param before its state, if it was kept. */
  remove({ namespace, name }: { readonly namespace?: string; readonly name: string }, before?: KubernetesObject): void {
    if (before !== undefined) this.#count(namespace, -sizeOf(before));
    this.#found(namespace, name);
  }

  /** All objects are listed anew: those that are left out are found again. */
  relist(): void {
    for (const namespace of this.#leftOut.keys()) this.#before.add(namespace);
    this.#leftOut.clear();
  }

  /** All of them were found again. */
  relisted(): void {
    this.#before.clear();
  }

  #count(namespace: Namespace, change: number): void {
    this.#total += change;
    const share = (this.#shares.get(namespace ?? '') ?? 0) + change;
    if (share === 0) this.#shares.delete(namespace ?? '');
    else this.#shares.set(namespace ?? '', share);
  }

  #leaveOut(namespace: string, name: string): void {
    this.#leftOut.set(namespace, (this.#leftOut.get(namespace) ?? new Set()).add(name));
    if (this.#reported.has(namespace)) return;
    this.#reported.add(namespace);
    this.#onLeftOut(namespace);
  }

  #found(namespace: Namespace, name: string): void {
    const names = this.#leftOut.get(namespace ?? '');
    if (names?.delete(name) !== true || names.size > 0) return;
    this.#leftOut.delete(namespace ?? '');
    this.#reported.delete(namespace ?? '');
  }
}

function sizeOf(object: KubernetesObject): number {
  return JSON.stringify(object).length;
}

function tooMuch(kind: string, total: number): KubernetesApiError {
  const message = `more than ${total} bytes of ${kind} objects would have to be kept`;
  return new KubernetesApiError({ status: 0, reason: 'TooMany', message, retryAfterMs: RETRY_AFTER_MS });
}
