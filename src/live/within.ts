// A wait that has a time of its own, for an answer that is not worth waiting longer for.
import type { Clock } from '../ports/platform/clock.ts';
import { orAborted } from './abortable.ts';

interface Waits {
  readonly signal: AbortSignal;
}

/** @returns what `work` gives; nothing when that takes longer. @throws the signal's reason when it aborts. */
export async function within<T>(
  ms: number,
  clock: Pick<Clock, 'sleep'>,
  work: (options: Waits) => Promise<T>,
  { signal }: Waits,
): Promise<T | undefined> {
  const [late, done] = [new AbortController(), new AbortController()];
  clock.sleep(ms, { signal: AbortSignal.any([signal, done.signal]) }).then(
    () => late.abort(),
    () => undefined,
  );
  const either = AbortSignal.any([signal, late.signal]);
  try {
    return await orAborted(work({ signal: either }), either);
  } catch (error) {
    if (late.signal.aborted && !signal.aborted) return undefined;
    throw error;
  } finally {
    done.abort();
  }
}
