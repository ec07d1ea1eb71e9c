// `capstan config show`: each key in force, and where it was set.
import type { Command } from 'commander';
import { showConfig } from '../../../config/redact.ts';
import { complainOfConfig } from '../../complaints.ts';
import { outputOption, type Invocation } from '../../invocation.ts';
import { loadNamedConfig, type ConfigOptions } from '../../options/config-options.ts';

export function registerConfigShow(config: Command, invocation: Invocation): void {
  config
    .command('show')
    .description('print each key in force and where it was set; what may be secret is hidden')
    .option('--config <file>', 'YAML file; the environment is read with it')
    .addOption(outputOption())
    .addHelpText('after', '\nExample:\n  $ capstan config show --config capstan.yaml')
    .action((options: ConfigOptions) => show(options, invocation));
}

function show(options: ConfigOptions, invocation: Invocation): void {
  const { terminal, endWith } = invocation;
  const loaded = loadNamedConfig(options, invocation);
  if ('problems' in loaded) {
    endWith(complainOfConfig(loaded.problems, terminal));
    return;
  }
  const keys = showConfig(loaded.entries);
  if (options.output === 'json') {
    terminal.printJson(keys.map((key) => ({ ...key, value: key.value ?? null })));
    return;
  }
  terminal.printTable([
    ['KEY', 'FROM', 'VALUE'],
    ...keys.map(({ path, value, from }) => [path, from, inOneLine(value)]),
  ]);
}

function inOneLine(value: unknown): string {
  if (value === undefined) return '-';
  return typeof value === 'string' ? value : JSON.stringify(value);
}
