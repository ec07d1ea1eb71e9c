// Which journal the commands under `capstan journal` read.
import path from 'node:path';
import type { Command } from 'commander';
import { DEV_PLACES } from '../../adapters/dev/dev-names.ts';
import { DEV_DATA_DIRECTORY } from '../../config/dev.ts';
import { readConfig } from '../inputs/read-config.ts';
import type { Invocation } from '../invocation.ts';

export interface JournalFileOptions {
  readonly file?: string;
  readonly config?: string;
  readonly dataDir: string;
}

/** Adds `--file`, `--config` and `--data-dir`. */
export function addJournalFileOptions(command: Command): Command {
  return command
    .option('--file <file>', 'the journal itself')
    .option('--config <file>', 'configuration whose journal to read')
    .option('--data-dir <folder>', 'data directory whose journal to read', DEV_DATA_DIRECTORY);
}

/** @returns nothing when the configuration is invalid, after saying so. */
export function journalFile({ file, config, dataDir }: JournalFileOptions, invocation: Invocation): string | undefined {
  if (file !== undefined) return file;
  if (config === undefined) return path.join(dataDir, DEV_PLACES.journal);
  return readConfig(config, invocation)?.journal.file;
}
