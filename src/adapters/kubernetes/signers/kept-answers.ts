// What became of each object that waits, until it waits no more: the answer that could not be written yet, which is written
// again rather than made anew, and how many certificates were made for it. So a status that can never be written costs a few
// certificates and not one after the other. Nothing in an answer is secret: it is a chain, or a refusal.
import type { Status } from './signing-kind.ts';

/** For one object, whatever fails. */
export const MOST_CERTIFICATES = 3;

export interface Answer {
  readonly status: Status;
  readonly hasCertificate: boolean;
  /** Of the monotonic clock; later, who waits could do nothing with it. */
  readonly usefulUntilMs: number;
}

interface Kept {
  /** Of the object: one that was made anew under the same name is another. */
  readonly uid: string;
  certificates: number;
  answer?: Answer;
  /** Why it could not be written. */
  problem?: string;
  /** Nothing else is to be made for it. */
  isLast: boolean;
  isGivenUp: boolean;
}

/** By key; as many as objects wait, of which the API server lists no more than 200,000 (`MAX_LISTED`). */
export class KeptAnswers {
  readonly #kept = new Map<string, Kept>();

  has(key: string): boolean {
    return this.#kept.has(key);
  }

  /** @returns what is to be written now. */
  usefulOf(key: string, uid: string, nowMs: number): Status | undefined {
    const answer = this.#of(key, uid)?.answer;
    return answer !== undefined && nowMs < answer.usefulUntilMs ? answer.status : undefined;
  }

  /** Whether no other answer may be made for it. */
  isSpent(key: string, uid: string): boolean {
    const kept = this.#of(key, uid);
    return kept !== undefined && (kept.isLast || kept.certificates >= MOST_CERTIFICATES);
  }

  keep(key: string, uid: string, answer: Answer): void {
    const kept = this.#of(key, uid) ?? { uid, certificates: 0, isLast: false, isGivenUp: false };
    kept.answer = answer;
    if (answer.hasCertificate) kept.certificates += 1;
    this.#kept.set(key, kept);
  }

  /** @param isLast whether the API server will not take another answer to this object either. */
  notWritten(key: string, problem: string, isLast: boolean): void {
    const kept = this.#kept.get(key);
    if (kept === undefined) return;
    kept.problem = problem;
    kept.isLast ||= isLast;
  }

  written(key: string): void {
    delete this.#kept.get(key)?.problem;
  }

  isGivenUp(key: string, uid: string): boolean {
    return this.#of(key, uid)?.isGivenUp === true;
  }

  /** What is left is that nothing more is made for it. @returns how often something was, and why it was not written. */
  giveUp(key: string): { readonly certificates: number; readonly problem: string } {
    const kept = this.#kept.get(key);
    if (kept === undefined) return { certificates: 0, problem: '' };
    delete kept.answer;
    kept.isGivenUp = true;
    return { certificates: kept.certificates, problem: kept.problem ?? '' };
  }

  /** It waits no more, or is gone. */
  forget(key: string): void {
    this.#kept.delete(key);
  }

  /** Forgets those that are not there any more. */
  keepOnly(isThere: (key: string) => boolean): void {
    for (const key of this.#kept.keys()) if (!isThere(key)) this.#kept.delete(key);
  }

  /** Objects whose answer is not written, one of them and why. */
  unwritten(): { readonly count: number; readonly key: string; readonly problem: string } | undefined {
    const failed = [...this.#kept].flatMap(([key, { problem }]) => (problem === undefined ? [] : [{ key, problem }]));
    const [first] = failed;
    return first && { count: failed.length, ...first };
  }

  #of(key: string, uid: string): Kept | undefined {
    const kept = this.#kept.get(key);
    return kept?.uid === uid ? kept : undefined;
  }
}
