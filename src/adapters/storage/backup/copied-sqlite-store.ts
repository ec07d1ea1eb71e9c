// An SQLite store, as a backup is made of it: all of its journals are read.
import { journalsOf } from '../slots/journal-slots.ts';
import { StoreReader } from '../slots/store-reader.ts';
import { openForReading } from '../sqlite/file/journal-file.ts';
import { journalProblem } from '../sqlite/file/journal-problem.ts';
import type { CopiedStore, KeptIssuer } from './copied-store.ts';
import { issuersIn, mergedIssuers } from './kept-issuers.ts';

/** @param file the store's. @throws AuthorityError as its reader. */
export async function copySqliteStore(file: string, options: { readonly signal: AbortSignal }): Promise<CopiedStore> {
  const reader = await StoreReader.open(file, options);
  return {
    reader,
    issuers: async () => mergedIssuers(journalsOf(file).flatMap(issuersOf)),
    async [Symbol.asyncDispose]() {
      reader[Symbol.dispose]();
    },
  };
}

function issuersOf(journal: string): readonly KeptIssuer[] {
  try {
    const { database } = openForReading(journal);
    using open = new DisposableStack();
    open.defer(() => database.close());
    return issuersIn(database);
  } catch (cause) {
    throw journalProblem(journal, cause).toOpeningError();
  }
}
