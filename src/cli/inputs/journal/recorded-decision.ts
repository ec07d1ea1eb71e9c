// One decision out of the journal that somebody names.
import { storeName } from '../../../config/shapes/journal-store.ts';
import type { DecisionRecord } from '../../../ports/storage/issuance-journal.ts';
import { CommandError, EXIT } from '../../exit-codes.ts';
import type { Invocation } from '../../invocation.ts';
import { withJournal } from './read-journal.ts';
import { chosenJournal, type JournalChoice } from '../../options/journal-options.ts';

/** @throws CommandError 2 when there is no such journal or decision. */
export async function findDecision(
  decisionId: string,
  journal: JournalChoice,
  invocation: Invocation,
): Promise<DecisionRecord> {
  const chosen = chosenJournal(journal, invocation);
  const options = { signal: invocation.signal };
  const [record] = await withJournal(chosen, async (reader) => reader.list({ decisionId, limit: 1 }, options), options);
  if (record !== undefined) return record;
  throw new CommandError(
    EXIT.unreadable,
    `there is no decision ${JSON.stringify(decisionId)} in ${storeName(chosen.store)}`,
  );
}
