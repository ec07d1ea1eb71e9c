// Goes through a journal record by record, and shows how far it has come. A journal may hold millions: nothing is kept
// here, and the command can be interrupted.
import type { SqliteJournalReader } from '../../adapters/storage/sqlite/sqlite-journal-reader.ts';
import { AuthorityError } from '../../domain/errors.ts';
import type { DecisionRecord, JournalQuery } from '../../ports/storage/issuance-journal.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import type { Invocation } from '../invocation.ts';
import { Progress } from '../progress.ts';

/** Records between two looks at the progress and at the signal. */
const STRIDE = 2_000;

export interface JournalReading {
  readonly file: string;
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
  { file, query, progress }: JournalReading,
  invocation: Invocation,
  visit: (record: DecisionRecord) => void,
): Promise<number> {
  return withJournal(file, async (reader) => visitAll(reader, query, progress, invocation, visit));
}

/** @throws CommandError 2 when the journal cannot be read. */
export async function withJournal<T>(file: string, read: (reader: SqliteJournalReader) => T | Promise<T>): Promise<T> {
  try {
    // Loaded here: only who reads a journal waits for the database.
    const { SqliteJournalReader: Reader } = await import('../../adapters/storage/sqlite/sqlite-journal-reader.ts');
    using reader = Reader.open(file);
    return await read(reader);
  } catch (cause) {
    if (!(cause instanceof AuthorityError)) throw cause;
    throw new CommandError(EXIT.unreadable, `cannot read the journal: ${cause.detail ?? file}`, { cause });
  }
}

async function visitAll(
  reader: SqliteJournalReader,
  query: JournalReading['query'],
  lines: boolean,
  { terminal, clock, signal }: Invocation,
  visit: (record: DecisionRecord) => void,
): Promise<number> {
  const bar = new Progress({ terminal, clock }, { what: 'decisions', total: reader.count(query), lines });
  let done = 0;
  try {
    for (const record of reader.scan(query)) {
      visit(record);
      done += 1;
      if (done % STRIDE !== 0) continue;
      bar.reach(done);
      await new Promise(setImmediate);
      if (signal.aborted) throw new CommandError(EXIT.unreadable, `ended after ${done} decisions`);
    }
    bar.reach(done);
    return done;
  } finally {
    bar.end();
  }
}
