// What is kept in memory of a policy object: its text as a policy document, and what the status says. Who may write objects
// in a namespace may write very many, and large ones: the texts of a namespace are kept up to a bound, and beyond it only
// that the objects are there.
import type { KubernetesObject } from '../../../domain/cluster/snapshot.ts';

export interface KeptPolicy extends KubernetesObject {
  readonly metadata: KubernetesObject['metadata'] & { readonly generation?: number };
  /** One policy document as JSON; absent beyond the bound. */
  readonly text?: string;
  /** Of the text. */
  readonly bytes: number;
  /** As the API server has it; absent when it is larger than any that we write. */
  readonly status?: unknown;
}

/** Of what is kept for one namespace. */
export interface PolicyBounds {
  readonly maxObjects: number;
  readonly maxBytes: number;
}

const MAX_STATUS_BYTES = 64 * 1024;

/** @returns the document that the object is. What tools add to its metadata decides nothing and is left out. */
export function policyText({ apiVersion, kind, metadata, ...rest }: KubernetesObject): string {
  const { name, namespace } = metadata;
  const named = { name, ...(namespace !== undefined && { namespace }) };
  return JSON.stringify({ apiVersion, kind, metadata: named, spec: rest['spec'] });
}

/** Cuts objects of one kind to what is kept of them. */
export class PolicyKeeper {
  readonly #bounds: PolicyBounds;
  /** Bytes of each object by its name, of each namespace; the empty name stands for the cluster. */
  readonly #sizes = new Map<string, Map<string, number>>();
  readonly #totals = new Map<string, number>();

  constructor(bounds: PolicyBounds) {
    this.#bounds = bounds;
  }

  readonly keep = (object: KubernetesObject): KeptPolicy => {
    const text = policyText(object);
    const bytes = Buffer.byteLength(text);
    const { name, namespace = '' } = object.metadata;
    const fits = this.#count(namespace, name, bytes);
    const { uid, resourceVersion } = object.metadata;
    const { generation } = object.metadata as { readonly generation?: unknown };
    const { status } = object;
    return {
      apiVersion: object.apiVersion,
      kind: object.kind,
      metadata: {
        name,
        uid,
        resourceVersion,
        ...(namespace !== '' && { namespace }),
        ...(typeof generation === 'number' && { generation }),
      },
      bytes,
      ...(fits && { text }),
      ...(isSmall(status) && { status }),
    };
  };

  /** The object is gone. */
  forget({ metadata: { name, namespace = '' } }: KubernetesObject): void {
    const sizes = this.#sizes.get(namespace);
    this.#totals.set(namespace, (this.#totals.get(namespace) ?? 0) - (sizes?.get(name) ?? 0));
    sizes?.delete(name);
    if (sizes?.size !== 0) return;
    this.#sizes.delete(namespace);
    this.#totals.delete(namespace);
  }

  /** @returns whether its text is within what may be kept. */
  #count(namespace: string, name: string, bytes: number): boolean {
    const sizes = this.#sizes.get(namespace) ?? new Map<string, number>();
    const total = (this.#totals.get(namespace) ?? 0) - (sizes.get(name) ?? 0) + bytes;
    sizes.set(name, bytes);
    this.#sizes.set(namespace, sizes);
    this.#totals.set(namespace, total);
    return total <= this.#bounds.maxBytes && sizes.size <= this.#bounds.maxObjects;
  }
}

function isSmall(status: unknown): boolean {
  return status !== undefined && JSON.stringify(status).length <= MAX_STATUS_BYTES;
}
