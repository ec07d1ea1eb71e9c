// One decision out of the journal that somebody names.
import path from 'node:path';
import { DEV_FILES } from '../../config/dev.ts';
import { loadConfig } from '../../config/load.ts';
import { AuthorityError } from '../../domain/errors.ts';
import type { DecisionRecord } from '../../ports/issuance-journal.ts';
import { complainOfConfig } from '../complaints.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import type { Invocation } from '../invocation.ts';

export interface JournalOptions {
  readonly journal?: string;
  readonly config?: string;
  readonly dataDir: string;
}

/**
 * @returns nothing when the configuration that names the journal is invalid, after saying so.
 * @throws CommandError 2 when there is no such journal or decision.
 */
export async function findDecision(
  decisionId: string,
  options: JournalOptions,
  invocation: Invocation,
): Promise<DecisionRecord | undefined> {
  const file = journalFile(options, invocation);
  if (file === undefined) return undefined;
  const { SqliteJournalReader } = await import('../../adapters/storage/sqlite-journal-reader.ts');
  try {
    using reader = SqliteJournalReader.open(file);
    const [record] = reader.list({ decisionId, limit: 1 });
    if (record !== undefined) return record;
  } catch (cause) {
    if (cause instanceof AuthorityError) throw new CommandError(EXIT.unreadable, cause.message, { cause });
    throw cause;
  }
  throw new CommandError(EXIT.unreadable, `there is no decision ${JSON.stringify(decisionId)} in ${file}`);
}

function journalFile({ journal, config, dataDir }: JournalOptions, invocation: Invocation): string | undefined {
  if (journal !== undefined) return journal;
  if (config === undefined) return path.join(dataDir, DEV_FILES.journal);
  const loaded = loadConfig({ file: config, environment: invocation.environment });
  if (!('problems' in loaded)) return loaded.config.journal.file;
  complainOfConfig(loaded.problems, invocation.terminal);
  invocation.endWith(EXIT.unreadable);
  return undefined;
}
