// Delays refusals beyond a rate: a client that waits for one answer before its next request then asks less often, and
// leaves the server to the others. Nothing is kept for it but the call.
import { AuthorityError } from '../../domain/errors.ts';

/** So many refusals of one owner, a namespace or a source, are answered at once in a second. */
export const PROMPT_PER_SECOND = 20;
/** On average; from half of it to half as much again, so that what was refused together does not come back together. */
export const LATE_MS = 1_000;
/** Steps of the golden ratio spread any number of points evenly. */
const SPREAD_STEP = 0.618;
/** Most answers that are late at once, and owners that are counted; beyond, all are prompt. */
const MAX_LATE = 10_000;

export class RefusalDelay {
  #second = 0;
  readonly #refused = new Map<string, number>();
  #late = 0;
  #spread = 0;

  /** Calls `answer`, which sends the refusal, at once or late. */
  answer(owner: string, error: unknown, answer: () => void): void {
    if (!this.#isLate(owner, error)) {
      answer();
      return;
    }
    this.#late += 1;
    this.#spread = (this.#spread + SPREAD_STEP) % 1;
    setTimeout(
      () => {
        this.#late -= 1;
        answer();
      },
      LATE_MS * (0.5 + this.#spread),
    );
  }

  #isLate(owner: string, error: unknown): boolean {
    if (!(error instanceof AuthorityError)) return false;
    const second = Math.floor(performance.now() / 1000);
    if (second !== this.#second) this.#refused.clear();
    this.#second = second;
    const refused = (this.#refused.get(owner) ?? 0) + 1;
    if (this.#refused.size < MAX_LATE || refused > 1) this.#refused.set(owner, refused);
    return refused > PROMPT_PER_SECOND && this.#late < MAX_LATE;
  }
}
