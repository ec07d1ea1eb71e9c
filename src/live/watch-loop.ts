// Reads something again when it says that it changed, and every so often whether it says so or not, because
// notifications get lost.
import type { Clock } from '../ports/platform/clock.ts';
import { Alarm } from './alarm.ts';

export interface WatchedThing {
  /**
   * Arranges for `changed` to be called after each change until the signal aborts. Called anew in each round, before the
   * reading, so that a thing which was itself replaced is watched again and no change falls between.
   */
  readonly watch: (changed: () => void, options: { readonly signal: AbortSignal }) => Promise<void> | void;
  /** Handles its own errors, so that the next round comes; one that throws ends the loop and rejects. */
  readonly read: () => Promise<void> | void;
}

export interface WatchLoopSettings {
  /** Longest between two readings, by the monotonic clock. */
  readonly rereadMs: number;
  /** Between a change and the next round: several writes of one edit become one change. */
  readonly debounceMs: number;
  /** Readings that one watch serves when nothing changes; 1 unless a watch costs more than a reading. */
  readonly readingsPerWatch?: number;
}

/** Reads at once, then after each change and at least every `rereadMs`, until the signal aborts. Readings never overlap. */
export async function watchLoop(
  { watch, read }: WatchedThing,
  clock: Clock,
  { rereadMs, debounceMs, readingsPerWatch = 1 }: WatchLoopSettings,
  { signal }: { readonly signal: AbortSignal },
): Promise<void> {
  while (!signal.aborted) {
    const alarm = new Alarm(clock);
    const over = new AbortController();
    const round = { signal: AbortSignal.any([signal, over.signal]) };
    await watch(() => alarm.ring(), round);
    // What changed while the watch was made is read in the next round.
    for (let left = readingsPerWatch; left > 0 && !alarm.rung && !round.signal.aborted; left -= 1) {
      await read();
      if ((await alarm.sleep(rereadMs, round)) === 'rung') break;
    }
    over.abort();
    // The abort is how the loop ends.
    if (debounceMs > 0) await clock.sleep(debounceMs, { signal }).catch(() => undefined);
  }
}
