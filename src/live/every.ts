// Work that is done again and again, at the pace of the monotonic clock.
import type { Clock } from '../ports/platform/clock.ts';

/**
 * Sleeps `ms`, works, and so on until the signal aborts; then it resolves without working once more. Rounds never
 * overlap.
 * @param work handles its own errors: one that throws ends the rounds and rejects.
 */
export async function every(
  ms: number,
  clock: Pick<Clock, 'sleep'>,
  work: () => Promise<void> | void,
  { signal }: { readonly signal: AbortSignal },
): Promise<void> {
  while (await slept(ms, clock, signal)) await work();
}

/** @returns false when the signal ended the sleep. */
async function slept(ms: number, clock: Pick<Clock, 'sleep'>, signal: AbortSignal): Promise<boolean> {
  try {
    await clock.sleep(ms, { signal });
    return true;
  } catch (error) {
    if (!signal.aborted) throw error;
    return false;
  }
}
