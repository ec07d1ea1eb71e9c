// Policy objects whose status is to be looked at, each once however often it is asked for. Namespaces take turns, so that one
// with ten thousand policies waits for itself.
import type { KeptPolicy } from '../kept-policy.ts';

export class PendingPolicies {
  /** By namespace, in the order of their turns, and then by name; as many as there are objects. */
  readonly #turns = new Map<string, Map<string, KeptPolicy>>();
  #size = 0;

  get size(): number {
    return this.#size;
  }

  add(object: KeptPolicy): void {
    const { namespace = '', name } = object.metadata;
    const own = this.#turns.get(namespace) ?? new Map<string, KeptPolicy>();
    if (!own.has(name)) this.#size += 1;
    own.set(name, object);
    this.#turns.set(namespace, own);
  }

  /** @returns the next, which is forgotten. */
  take(): KeptPolicy | undefined {
    for (const [namespace, own] of this.#turns) {
      this.#turns.delete(namespace);
      for (const [name, object] of own) {
        own.delete(name);
        this.#size -= 1;
        // Behind all others.
        if (own.size > 0) this.#turns.set(namespace, own);
        return object;
      }
    }
    return undefined;
  }

  clear(): void {
    this.#turns.clear();
    this.#size = 0;
  }
}
