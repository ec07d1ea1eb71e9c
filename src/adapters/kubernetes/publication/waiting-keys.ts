// Places that are to be looked at, each once however often it is asked for: at once in the order in which they came, what is
// urgent before that, or at a later moment.

export class WaitingKeys {
  readonly #first = new Set<string>();
  readonly #others = new Set<string>();
  /** By the monotonic clock. As many as there are places. */
  readonly #later = new Map<string, number>();
  /** Not later than any of them. */
  #nextDueMs = Infinity;

  add(key: string): void {
    if (!this.#first.has(key)) this.#others.add(key);
  }

  addFirst(key: string): void {
    this.#others.delete(key);
    this.#first.add(key);
  }

  /** Not before `atMs`; an earlier look at the place stays earlier. */
  addLater(key: string, atMs: number): void {
    this.#later.set(key, Math.min(atMs, this.#later.get(key) ?? Infinity));
    this.#nextDueMs = Math.min(this.#nextDueMs, atMs);
  }

  /** @returns the next place whose time has come and that is `fit` now, and forgets it. */
  take(nowMs: number, fit: (key: string) => boolean): string | undefined {
    if (this.#nextDueMs <= nowMs) this.#addDue(nowMs);
    for (const keys of [this.#first, this.#others]) {
      for (const key of keys) {
        if (!fit(key)) continue;
        keys.delete(key);
        return key;
      }
    }
    return undefined;
  }

  /** Before when none of those that wait for a moment is due, in ms; Infinity when none waits. */
  get nextDueMs(): number {
    return this.#nextDueMs;
  }

  clear(): void {
    for (const keys of [this.#first, this.#others, this.#later]) keys.clear();
    this.#nextDueMs = Infinity;
  }

  #addDue(nowMs: number): void {
    this.#nextDueMs = Infinity;
    for (const [key, dueMs] of this.#later) {
      if (dueMs > nowMs) {
        this.#nextDueMs = Math.min(this.#nextDueMs, dueMs);
        continue;
      }
      this.#later.delete(key);
      this.add(key);
    }
  }
}
