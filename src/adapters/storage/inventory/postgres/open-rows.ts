// Rows get their numbers when they are written and can be seen when their transaction is over, which is not the same order: a row that
// is missing behind one that was read may come yet. It is looked for until nobody is left who could have written it: pure.

/** Which transactions can be seen: all below `xmin` are over, none from `xmax` on had begun (postgresql.org/docs/current/functions-info.html). */
export interface Snapshot {
  readonly xmin: bigint;
  readonly xmax: bigint;
}

interface Missing {
  readonly sinceMs: number;
  /** All that had begun before it must be over; absent until its writer has certainly begun. */
  readonly until?: bigint;
}

/** A row has its number a moment before its transaction has one; so much longer is waited, in ms. */
const BEGUN_WITHIN_MS = 2_000;
/** Of more the newest are looked for. */
const MAX_MISSING = 10_000;

export class OpenRows {
  #missing: Map<number, Missing>;
  #newest: number;

  /** @param settled all rows up to it are taken in. */
  constructor(settled: number) {
    this.#newest = settled;
    this.#missing = new Map();
  }

  /** The newest row that was read. */
  get newest(): number {
    return this.#newest;
  }

  /** Up to it no row is missing any more. */
  get settled(): number {
    const [oldest] = this.#missing.keys();
    return oldest === undefined ? this.#newest : oldest - 1;
  }

  /** Those to look for again, oldest first. */
  get missing(): readonly number[] {
    return [...this.#missing.keys()];
  }

  /**
   * Takes what was found behind the newest and of the missing.
   * @param ids of rows, ascending.
   * @param at.snapshot taken before they were read.
   * @param at.nowMs of the monotonic clock.
   */
  took(ids: readonly number[], { snapshot, nowMs }: { readonly snapshot: Snapshot; readonly nowMs: number }): void {
    const missing = new Map<number, Missing>();
    for (const [id, one] of this.#missing) {
      const isOver = one.until !== undefined && snapshot.xmin >= one.until;
      if (isOver) continue;
      const hasBegun = nowMs - one.sinceMs >= BEGUN_WITHIN_MS;
      missing.set(id, one.until === undefined && hasBegun ? { ...one, until: snapshot.xmax } : one);
    }
    for (const id of ids) {
      missing.delete(id);
      for (let gap = Math.max(this.#newest + 1, id - MAX_MISSING); gap < id; gap += 1)
        missing.set(gap, { sinceMs: nowMs });
      this.#newest = Math.max(this.#newest, id);
    }
    this.#missing = new Map([...missing].slice(-MAX_MISSING));
  }
}
