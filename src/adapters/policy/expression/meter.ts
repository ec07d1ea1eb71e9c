// What an evaluation has spent. Load refuses what no bound could hold; this meter holds the rest: data that
// is large, or shaped so that a short expression works long on it. Steps are counted, not time, so that the
// same question ends the same way on every machine.

/** Of one evaluation: a millisecond or two, and some 15 ms when all it meets are errors. */
export const MAX_STEPS = 20_000;
/** Elements of a list, or entries of a map, that an expression can read or walk. */
export const MAX_ELEMENTS = 1_000;
/** Characters of a text that an expression can read. */
export const MAX_TEXT = 10_000;

/** The data, or what the expression does with it, is too much. The message names no value. */
export class BeyondBounds extends Error {}

const TOO_MANY_STEPS = new BeyondBounds(`it takes more than ${MAX_STEPS.toLocaleString('en')} steps`);

/** How often the walks of an expression evaluate a part of it for each element, by the field that they walk. */
export type Walks = ReadonlyMap<string, number>;

export class Meter {
  #left = 0;
  #walks: Walks = new Map();

  /** Begins an evaluation. */
  start(walks: Walks): void {
    this.#left = MAX_STEPS;
    this.#walks = walks;
  }

  /** @throws BeyondBounds when nothing is left, and from then on always: `||` and `exists` pass over errors. */
  spend(steps: number): void {
    this.#left -= steps;
    if (this.#left < 0) throw TOO_MANY_STEPS;
  }

  /** Pays in advance for a walk over the field. */
  spendOnWalk(field: string, elements: number): void {
    this.spend(elements * (this.#walks.get(field) ?? 0));
  }

  /** As `spendOnWalk`, of a map whose place is not known. */
  spendOnKeys(entries: number): void {
    this.spend(entries * Math.max(1, ...this.#walks.values()));
  }
}

/** Evaluation is synchronous and never nests: one meter serves every expression. */
export const meter = new Meter();
