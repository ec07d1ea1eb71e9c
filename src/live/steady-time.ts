// The time for what cannot be taken back, such as deleting what is old: a clock that is set forwards while the process runs ages nothing.
import type { Clock } from '../ports/platform/clock.ts';

/** @returns a function for the time in whole ms since the epoch, by the clock as it is now or as it is then: whichever is earlier. */
export function steadyTime(clock: Pick<Clock, 'nowMs' | 'monotonicMs'>): () => number {
  const [startedMs, startedAtMs] = [clock.nowMs(), clock.monotonicMs()];
  return () => Math.min(clock.nowMs(), startedMs + Math.floor(clock.monotonicMs() - startedAtMs));
}
