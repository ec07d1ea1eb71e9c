// An SQLite store, as a backup is made of it: all of its journals are read.
import { journalsOf } from '../slots/journal-slots.ts';
import { StoreReader } from '../slots/store-reader.ts';
import { openForReading, type ReadableJournal } from '../sqlite/file/journal-file.ts';
import { journalProblem } from '../sqlite/file/journal-problem.ts';
import type { CopiedStore } from './copied-store.ts';
import { ledgersBeside } from './ledgers-beside.ts';
import { evidenceIn, mergedEvidence } from './kept-evidence.ts';
import { issuersIn, mergedIssuers } from './kept-issuers.ts';

/** @param file the store's. @throws AuthorityError as its reader. */
export async function copySqliteStore(file: string, options: { readonly signal: AbortSignal }): Promise<CopiedStore> {
  const reader = await StoreReader.open(file, options);
  return {
    reader,
    issuers: async () =>
      mergedIssuers(journalsOf(file).flatMap((journal) => readIn(journal, ({ database }) => issuersIn(database)))),
    evidence: async () => mergedEvidence(journalsOf(file).map((journal) => readIn(journal, evidenceIn))),
    ledgers: async (waits) => [{ trust: '', ...(await ledgersBeside(file).read(waits)) }],
    async [Symbol.asyncDispose]() {
      reader[Symbol.dispose]();
    },
  };
}

function readIn<T>(journal: string, read: (opened: ReadableJournal) => T): T {
  try {
    const opened = openForReading(journal);
    using open = new DisposableStack();
    open.defer(() => opened.database.close());
    return read(opened);
  } catch (cause) {
    throw journalProblem(journal, cause).toOpeningError();
  }
}
