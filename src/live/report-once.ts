// What is wrong is found again at each look, and worth one report: when it is new, or another than at the last look.

/** One thing that can have one problem. */
export class ReportOnce {
  readonly #report: (problem: string) => void;
  #problem: string | undefined;

  constructor(report: (problem: string) => void) {
    this.#report = report;
  }

  /** What the last look found; nothing when all is well. */
  get problem(): string | undefined {
    return this.#problem;
  }

  found(problem: string): void {
    const known = this.#problem;
    this.#problem = problem;
    if (problem !== known) this.#report(problem);
  }

  /** The last look found nothing. @returns whether there was a problem before. */
  over(): boolean {
    const had = this.#problem !== undefined;
    this.#problem = undefined;
    return had;
  }
}

/** Many things that can have one problem each. As bounded as what is looked at. */
export class ReportEachOnce {
  #problems: ReadonlyMap<string, string> = new Map();

  /** What the last look found, by key. */
  get problems(): ReadonlyMap<string, string> {
    return this.#problems;
  }

  /**
   * @param found all problems of this look, by what they are of.
   * @returns the keys to report now, in the order of `found`, and whether something that had a problem has none any more.
   */
  look(found: ReadonlyMap<string, string>): { readonly fresh: ReadonlySet<string>; readonly mended: boolean } {
    const before = this.#problems;
    this.#problems = found;
    const changed = [...found].filter(([key, problem]) => before.get(key) !== problem);
    return {
      fresh: new Set(changed.map(([key]) => key)),
      mended: before.keys().some((key) => !found.has(key)),
    };
  }
}
