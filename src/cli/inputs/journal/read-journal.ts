// Goes through a journal record by record, and shows how far it has come. A journal may hold millions: nothing is kept
// here, and the command can be interrupted.
import { storeName } from '../../../config/shapes/journal-store.ts';
import { AuthorityError } from '../../../domain/errors.ts';
import type { DecisionRecord, IssuanceJournalReader, JournalQuery } from '../../../ports/storage/issuance-journal.ts';
import { CommandError, EXIT } from '../../exit-codes.ts';
import type { Invocation } from '../../invocation.ts';
import type { ChosenJournal } from '../../options/journal-options.ts';
import { Progress } from '../../progress.ts';
import { openJournal } from './open-journal.ts';

/** Records between two looks at the progress. */
const STRIDE = 2_000;

export interface JournalReading {
  readonly journal: ChosenJournal;
  readonly query: Omit<JournalQuery, 'limit'>;
  /** Whether to show progress where there is no terminal. */
  readonly progress: boolean;
}

/**
 * @param visit is given every record, oldest first.
 * @returns how many there were.
 * @throws CommandError 2 when the journal cannot be read, or the signal aborts.
 */
export async function readJournal(
  { journal, query, progress }: JournalReading,
  invocation: Invocation,
  visit: (record: DecisionRecord) => void,
): Promise<number> {
  return withJournal(journal, async (reader) => visitAll(reader, query, progress, invocation, visit), {
    signal: invocation.signal,
  });
}

/** @throws CommandError 2 when the journal cannot be read. */
export async function withJournal<T>(
  journal: ChosenJournal,
  read: (reader: IssuanceJournalReader) => Promise<T>,
  options: { readonly signal: AbortSignal },
): Promise<T> {
  try {
    await using reader = await openJournal(journal, options);
    return await read(reader);
  } catch (cause) {
    if (!(cause instanceof AuthorityError)) throw cause;
    throw new CommandError(EXIT.unreadable, `cannot read the journal: ${cause.detail ?? storeName(journal.store)}`, {
      cause,
    });
  }
}

async function visitAll(
  reader: IssuanceJournalReader,
  query: JournalReading['query'],
  lines: boolean,
  { terminal, clock, signal }: Invocation,
  visit: (record: DecisionRecord) => void,
): Promise<number> {
  const total = await reader.count(query, { signal });
  const bar = new Progress({ terminal, clock }, { what: 'decisions', total, lines });
  let done = 0;
  try {
    for await (const record of reader.scan(query, { signal })) {
      visit(record);
      done += 1;
      if (done % STRIDE === 0) bar.reach(done);
    }
    bar.reach(done);
    return done;
  } catch (cause) {
    if (!signal.aborted) throw cause;
    throw new CommandError(EXIT.unreadable, `ended after ${done} decisions`, { cause });
  } finally {
    bar.end();
  }
}
