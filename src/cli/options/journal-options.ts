// Which journal a tool reads, and from when on.
import path from 'node:path';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { DEV_PLACES } from '../../adapters/dev/dev-names.ts';
import { DEV_DATA_DIRECTORY } from '../../config/dev.ts';
import { parseDuration } from '../../domain/text/duration.ts';
import { readConfigForCheck } from '../inputs/read-config.ts';
import type { Invocation } from '../invocation.ts';

export interface JournalChoice {
  readonly journal?: string;
  readonly config?: string;
  readonly dataDir: string;
}

/** So long before the present, or a moment. */
export type Since = { readonly agoMs: number } | { readonly atMs: number };

/** Adds what a journal is read with: the options that choose it, and `--progress`. */
export function addJournalOptions(command: Command): Command {
  return addJournalChoice(command).option('--progress', 'show progress also where there is no terminal');
}

/** Adds `--journal`, `--config` and `--data-dir`. */
export function addJournalChoice(command: Command): Command {
  return command
    .option('--journal <file>', 'the journal itself')
    .option('--config <file>', 'configuration whose journal to read')
    .option('--data-dir <folder>', 'data directory whose journal to read', DEV_DATA_DIRECTORY);
}

export function sinceOption(text: string): Since {
  const agoMs = parseDuration(text);
  if (typeof agoMs === 'number') return { agoMs };
  const atMs = /^\d{4}-\d\d-\d\d/.test(text) ? Date.parse(text) : Number.NaN;
  if (Number.isFinite(atMs)) return { atMs };
  throw new InvalidArgumentError('Write a duration such as 7d, or an ISO 8601 time.');
}

/** `--since`, of a command that has a default for it. */
export function sinceOptionWithDefault(since: Since, text: string): Option {
  return new Option('--since <time>', 'how far back: a duration, or an ISO 8601 time')
    .argParser(sinceOption)
    .default(since, text);
}

export function momentOf(since: Since, nowMs: number): number {
  return 'atMs' in since ? since.atMs : nowMs - since.agoMs;
}

/** @throws CommandError 2 when the configuration that names it is invalid, after saying why. */
export function chosenJournal({ journal, config, dataDir }: JournalChoice, invocation: Invocation): string {
  if (journal !== undefined) return journal;
  if (config === undefined) return path.join(dataDir, DEV_PLACES.journal);
  return readConfigForCheck(config, `${config} names no journal that can be read`, invocation).journal.file;
}
