// Old decisions leave the journal: at start and then daily, by the process that leads. How old they are is told by the
// clock as it was when the server started.
import { every } from '../../live/every.ts';
import { steadyTime } from '../../live/steady-time.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { Events } from '../../ports/platform/events.ts';
import type { JournalRetention } from '../../ports/storage/journal-retention.ts';
import type { Lease } from '../../ports/storage/lease.ts';
import { whileLeading, type Leading } from './while-leading.ts';

export interface RetentionParts {
  readonly journal: JournalRetention;
  readonly lease: Lease;
  readonly clock: Clock;
  readonly events: Pick<Events, 'unexpected'>;
}

const EVERY_MS = 86_400_000;
/** One step holds the journal for a few milliseconds; appends pass in between, and for most of the time. */
const STEP = 200;
const PAUSE_MS = 20;

/** Runs until the signal aborts. @param settings.retentionMs decisions older than this are deleted. */
export async function keepRetention(
  parts: RetentionParts,
  settings: { readonly retentionMs: number },
  options: { readonly signal: AbortSignal },
): Promise<void> {
  const nowMs = steadyTime(parts.clock);
  const daily = async (leading: Leading): Promise<void> => {
    const round = async (): Promise<void> => deleteOld(parts, nowMs() - settings.retentionMs, leading);
    await round();
    await every(EVERY_MS, parts.clock, round, leading);
  };
  await whileLeading(parts, daily, options);
}

/** A day on which deleting fails leaves its records to the next. */
async function deleteOld(parts: RetentionParts, beforeMs: number, leading: Leading): Promise<void> {
  const { journal, clock, events } = parts;
  try {
    while ((await journal.deleteBefore(beforeMs, STEP, leading)) === STEP) {
      await clock.sleep(PAUSE_MS, leading);
    }
  } catch (cause) {
    if (!leading.signal.aborted) events.unexpected({ where: 'journal retention', cause });
  }
}
