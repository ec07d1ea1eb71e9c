// Which journal a tool reads, and from when on.
import path from 'node:path';
import { InvalidArgumentError, Option, type Command } from 'commander';
import { DEV_PLACES } from '../../adapters/dev/dev-names.ts';
import { DEV_DATA_DIRECTORY } from '../../config/dev.ts';
import { readJournalStore, type JournalStore } from '../../config/shapes/journal-store.ts';
import type { Config } from '../../config/schema.ts';
import { parseDuration } from '../../domain/text/duration.ts';
import { readConfig, readConfigForCheck } from '../inputs/read-config.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import type { Invocation } from '../invocation.ts';

export interface JournalChoice {
  readonly journal?: JournalStore;
  readonly config?: string;
  readonly dataDir: string;
}

/** A journal, and how its database is reached when a configuration says it. */
export interface ChosenJournal {
  readonly store: JournalStore;
  readonly postgres?: Config['journal']['postgres'];
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
    .addOption(journalOption())
    .option('--config <file>', 'configuration whose journal to read')
    .option('--data-dir <folder>', 'data directory whose journal to read', DEV_DATA_DIRECTORY);
}

/** `--journal`: a store as the configuration writes it. */
export function journalOption(): Option {
  return new Option('--journal <store>', 'the journal itself: a file, or postgres://user@host/database').argParser(
    (text: string): JournalStore => {
      const store = readJournalStore(text);
      // What commander says of an argument repeats it, and a password may stand in it.
      if ('problem' in store) throw new CommandError(EXIT.usage, `--journal ${store.problem} (--help shows more)`);
      return store;
    },
  );
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
export function chosenJournal(choice: JournalChoice, invocation: Invocation): ChosenJournal {
  const { config } = choice;
  return (
    withoutConfig(choice) ??
    readConfigForCheck(config ?? '', `${config} names no journal that can be read`, invocation).journal
  );
}

/** @returns nothing when the configuration that names it is invalid, after saying why; the command then ends with 78. */
export function journalToList(choice: JournalChoice, invocation: Invocation): ChosenJournal | undefined {
  return withoutConfig(choice) ?? readConfig(choice.config ?? '', invocation)?.journal;
}

function withoutConfig({ journal, config, dataDir }: JournalChoice): ChosenJournal | undefined {
  if (journal !== undefined) return { store: journal };
  if (config !== undefined) return undefined;
  return { store: { kind: 'sqlite', file: path.join(dataDir, DEV_PLACES.journal) } };
}
