// What waits to be done, in a line for each owner, and the lines in turn: a crowd of one owner waits for itself.

export interface Turn {
  readonly owner: string;
  readonly key: string;
}

export class Turns {
  /** In the order of their turns. Bounded by whoever adds. */
  readonly #lines = new Map<string, Set<string>>();
  #size = 0;

  /** How many wait. */
  get size(): number {
    return this.#size;
  }

  /** Once, however often it is added before its turn. */
  add(owner: string, key: string): void {
    const line = this.#lines.get(owner) ?? new Set();
    if (!line.has(key)) this.#size += 1;
    this.#lines.set(owner, line.add(key));
  }

  has(owner: string, key: string): boolean {
    return this.#lines.get(owner)?.has(key) ?? false;
  }

  /** @returns the oldest of the owner whose turn it is and that is `fit` now; it waits no more, and its owner is last. */
  take(fit: (key: string) => boolean = () => true): Turn | undefined {
    for (const [owner, line] of this.#lines) {
      const key = line.values().find(fit);
      if (key === undefined) continue;
      line.delete(key);
      this.#size -= 1;
      this.#lines.delete(owner);
      if (line.size > 0) this.#lines.set(owner, line);
      return { owner, key };
    }
    return undefined;
  }

  /** All that wait, in no particular order. */
  *keys(): Generator<string, void, void> {
    for (const line of this.#lines.values()) yield* line;
  }

  clear(): void {
    this.#lines.clear();
    this.#size = 0;
  }
}
