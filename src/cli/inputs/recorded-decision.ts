// One decision out of the journal that somebody names.
import { AuthorityError } from '../../domain/errors.ts';
import type { DecisionRecord } from '../../ports/storage/issuance-journal.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import type { Invocation } from '../invocation.ts';
import { journalFile, type JournalChoice } from '../options/journal-options.ts';

/** @throws CommandError 2 when there is no such journal or decision. */
export async function findDecision(
  decisionId: string,
  journal: JournalChoice,
  invocation: Invocation,
): Promise<DecisionRecord> {
  const file = journalFile(journal, invocation);
  const { SqliteJournalReader } = await import('../../adapters/storage/sqlite/sqlite-journal-reader.ts');
  try {
    using reader = SqliteJournalReader.open(file);
    const [record] = reader.list({ decisionId, limit: 1 });
    if (record !== undefined) return record;
  } catch (cause) {
    if (cause instanceof AuthorityError)
      throw new CommandError(EXIT.unreadable, `cannot read the journal: ${cause.detail ?? cause.message}`, { cause });
    throw cause;
  }
  throw new CommandError(EXIT.unreadable, `there is no decision ${JSON.stringify(decisionId)} in ${file}`);
}
