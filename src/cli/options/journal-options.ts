// Which journal a tool shall read, and from when on.
import path from 'node:path';
import { InvalidArgumentError, type Command } from 'commander';
import { DEV_PLACES } from '../../adapters/dev/dev-names.ts';
import { DEV_DATA_DIRECTORY } from '../../config/dev.ts';
import { loadConfig } from '../../config/load.ts';
import { parseDuration } from '../../domain/text/duration.ts';
import { complainOfConfig } from '../complaints.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import type { Invocation } from '../invocation.ts';

export interface JournalChoice {
  readonly journal?: string;
  readonly config?: string;
  readonly dataDir: string;
}

/** So long before the present, or a moment. */
export type Since = { readonly agoMs: number } | { readonly atMs: number };

/** Adds `--journal`, `--config`, `--data-dir` and `--progress`. */
export function addJournalOptions(command: Command): Command {
  return command
    .option('--journal <file>', 'the journal itself')
    .option('--config <file>', 'configuration whose journal to read')
    .option('--data-dir <folder>', 'data directory whose journal to read', DEV_DATA_DIRECTORY)
    .option('--progress', 'tell of progress also where no terminal is');
}

export function sinceOption(text: string): Since {
  const agoMs = parseDuration(text);
  if (typeof agoMs === 'number') return { agoMs };
  const atMs = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isFinite(atMs)) return { atMs };
  throw new InvalidArgumentError('Write a duration such as 7d, or an ISO 8601 time.');
}

export function momentOf(since: Since, nowMs: number): number {
  return 'atMs' in since ? since.atMs : nowMs - since.agoMs;
}

/** @throws CommandError 2 when the configuration that names it is invalid, after saying why. */
export function journalFile({ journal, config, dataDir }: JournalChoice, invocation: Invocation): string {
  if (journal !== undefined) return journal;
  if (config === undefined) return path.join(dataDir, DEV_PLACES.journal);
  const loaded = loadConfig({ file: config, environment: invocation.environment });
  if (!('problems' in loaded)) return loaded.config.journal.file;
  complainOfConfig(loaded.problems, invocation.terminal);
  throw new CommandError(EXIT.unreadable, `${config} names no journal that can be read`);
}
