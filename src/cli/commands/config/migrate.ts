// `capstan config migrate`: an older configuration with the names that keys have today.
import { realpath, stat } from 'node:fs/promises';
import path from 'node:path';
import type { Command } from 'commander';
import { migrateConfig, type MigratedConfig } from '../../../config/migrate.ts';
import { CONFIG_FILE } from '../../../config/yaml-source.ts';
import { complainOfConfig } from '../../complaints.ts';
import { CommandError, EXIT } from '../../exit-codes.ts';
import { readInput, STANDARD_INPUT, writeTogether } from '../../inputs/files.ts';
import { outputOption, type Invocation, type OutputFormat } from '../../invocation.ts';

interface MigrateOptions {
  readonly write?: true;
  readonly output: OutputFormat;
}

const NOTES = `
Example:
  $ capstan config migrate capstan.yaml | diff capstan.yaml -
  $ capstan config migrate --write capstan.yaml

Comments and order stay. Values are not judged: ask 'capstan config check' next. Variables and flags are named
after keys: rename them likewise.`;

export function registerConfigMigrate(config: Command, invocation: Invocation): void {
  config
    .command('migrate')
    .description('print an older configuration file with the names that its keys have today')
    .argument('<file>', 'YAML file, or - for standard input')
    .option('--write', 'replace the file, in one step')
    .addOption(outputOption())
    .addHelpText('after', NOTES)
    .action((file: string, options: MigrateOptions) => migrate(file, options, invocation));
}

async function migrate(file: string, { write, output }: MigrateOptions, invocation: Invocation): Promise<void> {
  const { terminal, endWith } = invocation;
  if (write === true && file === STANDARD_INPUT) throw new CommandError(EXIT.usage, '--write needs the name of a file');
  const migrated = migrateConfig(await readInput(file, { maxBytes: CONFIG_FILE.maxBytes }), file);
  if ('problems' in migrated) {
    endWith(complainOfConfig(migrated.problems, terminal));
    return;
  }
  const written = write === true && migrated.changes.length > 0;
  if (written) await replace(file, migrated.text);
  if (output === 'json') terminal.printJson({ file, written, changes: migrated.changes });
  else if (write === true) terminal.print(formatChanges(file, migrated));
  else {
    // A terminal shows no carriage returns; the file keeps its own.
    terminal.print(migrated.text.replaceAll('\r\n', '\n'));
    if (migrated.changes.length > 0) terminal.complain(formatChanges(file, migrated));
  }
}

/** The file itself where a link leads to it, with its mode. */
async function replace(file: string, text: string): Promise<void> {
  const place = await realpath(file);
  const { mode } = await stat(place);
  await writeTogether(path.dirname(place), [{ name: path.basename(place), text, mode: mode & 0o777 }]);
}

function formatChanges(file: string, { changes }: MigratedConfig): string {
  if (changes.length === 0) return `${file} has no key that was renamed`;
  return `${file}: ${changes.map(({ old, now }) => `${old} is ${now} now`).join(', ')}`;
}
