// A value that others replace while the server runs, by files or from afar: a new one comes in force when it is good,
// and until then the last good one stays.
import { ReportOnce } from './report-once.ts';

export interface LastGoodParts<T> {
  /** Two values of one revision are the same value. */
  readonly revisionOf: (value: T) => string;
  /** Reports that a value is in force: a new one, or the same one again after what was wrong with its successor is over. */
  readonly applied: (value: T) => void;
  /** Reports what is wrong, the same problem once. @param current what is in force all the same, if anything is. */
  readonly failed: (problem: string, current: T | undefined) => void;
}

export class LastGood<T> {
  readonly #parts: LastGoodParts<T>;
  readonly #failure: ReportOnce;
  #current: T | undefined;

  /** @param initial what is in force until the first good one comes. */
  constructor(parts: LastGoodParts<T>, initial?: T) {
    this.#parts = parts;
    this.#failure = new ReportOnce((problem) => parts.failed(problem, this.#current));
    this.#current = initial;
  }

  get current(): T | undefined {
    return this.#current;
  }

  /** Why what is in force is not what is given now; nothing when it is. */
  get problem(): string | undefined {
    return this.#failure.problem;
  }

  /**
   * A good value was found.
   * @param problem what is wrong all the same, with a part that had to be left out.
   * @returns whether it is another than before, so that those who use it have to look.
   */
  accept(value: T, problem?: string): boolean {
    const { revisionOf, applied } = this.#parts;
    const changed = this.#current === undefined || revisionOf(value) !== revisionOf(this.#current);
    if (changed) this.#current = value;
    if (problem !== undefined) this.#failure.found(problem);
    const mended = problem === undefined && this.#failure.over();
    if (changed || mended) applied(value);
    return changed;
  }

  /** What was found is not good: the last good one stays. */
  refuse(problem: string): void {
    this.#failure.found(problem);
  }

  /** What is in force is what is given, as before. */
  confirm(): void {
    if (this.#current !== undefined) this.accept(this.#current);
    else this.#failure.over();
  }
}
