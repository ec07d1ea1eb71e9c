// The journal that a command reads, whichever store it is in. Loaded when it is asked for: only who reads a journal waits
// for the database.
import { storeName } from '../../../config/shapes/journal-store.ts';
import type { IssuanceJournalReader } from '../../../ports/storage/issuance-journal.ts';
import type { OperationJournalReader } from '../../../ports/storage/operation-journal.ts';
import { CommandError, EXIT } from '../../exit-codes.ts';
import type { ChosenJournal } from '../../options/journal-options.ts';

/** @throws AuthorityError CAP-X03 naming what is missing or no journal; CAP-S04 when it cannot be read now. */
export async function openJournal(
  { store }: ChosenJournal,
  options: { readonly signal: AbortSignal },
): Promise<IssuanceJournalReader & OperationJournalReader & Disposable> {
  if (store.kind === 'postgres') {
    throw new CommandError(EXIT.unreadable, `${storeName(store)} is not read by commands yet`);
  }
  const { StoreReader } = await import('../../../adapters/storage/slots/store-reader.ts');
  return StoreReader.open(store.file, options);
}
