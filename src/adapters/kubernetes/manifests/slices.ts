// Work over all objects of a cluster, in slices of some milliseconds: whoever serves gives others their turn between
// two of them, and a tool does it in one go.
import { setImmediate } from 'node:timers/promises';

/** Each `yield` is the end of a slice. */
export type Sliced<Result> = Generator<void, Result, void>;

/** Objects of one slice. */
const SLICE = 500;

/** @returns whether a slice ends behind the entry of this number. */
export function endsSlice(index: number): boolean {
  return index % SLICE === SLICE - 1;
}

export function atOnce<Result>(work: Sliced<Result>): Result {
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
  }
}

/** @throws the signal's reason when it aborts before the work is done. */
export async function inTurns<Result>(
  work: Sliced<Result>,
  { signal }: { readonly signal: AbortSignal },
): Promise<Result> {
  for (;;) {
    const step = work.next();
    if (step.done === true) return step.value;
    await setImmediate(undefined, { signal });
  }
}
