// Which objects name which Secrets and ConfigMaps. Of each a few users are kept by name, and the others are counted.
import type { Reference } from './estate-kinds.ts';

/** Users that are kept of one object. */
const MAX_USERS = 3;
/** Different objects that are named. */
const MAX_NAMED = 200_000;

export class Users {
  readonly #users = new Map<string, { readonly first: string[]; count: number }>();

  add({ kind, namespace, name }: Reference, user: string): void {
    const key = `${kind} ${namespace}/${name}`;
    const known = this.#users.get(key) ?? { first: [], count: 0 };
    if (known.count === 0 && this.#users.size >= MAX_NAMED) return;
    this.#users.set(key, known);
    known.count += 1;
    if (known.first.length < MAX_USERS) known.first.push(user);
  }

  /** @returns users in words, the last of which may count others. */
  of(kind: string, namespace: string | undefined, name: string): readonly string[] {
    const found = [`${kind} ${namespace ?? ''}/${name}`, `${kind} */${name}`].flatMap(
      (key) => this.#users.get(key) ?? [],
    );
    const first = found.flatMap((known) => known.first);
    const more = found.reduce((sum, { count }) => sum + count, 0) - first.length;
    return [...first, ...(more > 0 ? [`${more} more`] : [])];
  }
}
