// One server per data directory: its supervisor holds the lock that a server of one process would hold, and each worker
// that of its own journal. So a new supervisor also finds out whether workers of one that was killed still write.
import { existsSync } from 'node:fs';
import { isHeld, JournalLock, lockFileOf } from '../../adapters/storage/sqlite/file/journal-lock.ts';
import { slotsOf } from '../../adapters/storage/slots/journal-slots.ts';
import { JournalProblem } from '../../adapters/storage/sqlite/file/journal-problem.ts';
import type { Clock } from '../../ports/platform/clock.ts';

/** Between two looks at a journal that is still written, beside the half second that a look itself takes. */
const LOOK_EVERY_MS = 250;

export interface DataDirectory {
  /** The journal of a server of one process; whether or not there is one. */
  readonly journal: string;
  /** How many workers there will be. */
  readonly count: number;
}

export interface WaitOptions {
  readonly signal: AbortSignal;
  /** How long workers that lost their supervisor may take to end. */
  readonly withinMs: number;
  /** Called once for each journal that is still written. */
  readonly onWaiting: (journal: string) => void;
}

/** @throws AuthorityError CAP-X03 when another server has the directory, or its workers do not end. */
export async function takeDataDirectory(
  { journal, count }: DataDirectory,
  clock: Pick<Clock, 'monotonicMs' | 'sleep'>,
  options: WaitOptions,
): Promise<JournalLock> {
  const lock = opening(() => JournalLock.take(journal));
  try {
    const untilMs = clock.monotonicMs() + options.withinMs;
    const slots = opening(() => slotsOf(journal, count));
    for (const slot of slots) await untilUnused(slot, clock, untilMs, options);
    return lock;
  } catch (error) {
    lock[Symbol.dispose]();
    throw error;
  }
}

async function untilUnused(
  journal: string,
  clock: Pick<Clock, 'monotonicMs' | 'sleep'>,
  untilMs: number,
  { signal, onWaiting }: WaitOptions,
): Promise<void> {
  if (!existsSync(lockFileOf(journal))) return;
  for (let looks = 0; ; looks += 1) {
    try {
      JournalLock.take(journal)[Symbol.dispose]();
      return;
    } catch (problem) {
      if (!isHeld(problem) || clock.monotonicMs() >= untilMs) throw openingError(problem);
      if (looks === 0) onWaiting(journal);
      await clock.sleep(LOOK_EVERY_MS, { signal });
    }
  }
}

function opening<T>(open: () => T): T {
  try {
    return open();
  } catch (problem) {
    throw openingError(problem);
  }
}

function openingError(problem: unknown): unknown {
  return problem instanceof JournalProblem ? problem.toOpeningError() : problem;
}
