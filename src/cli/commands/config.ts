// `capstan config check | show | migrate | docs`: the configuration before anything is started with it.
import type { Command } from 'commander';
import { describeConfig } from '../../config/describe.ts';
import type { ConfigProblem } from '../../config/sources.ts';
import { loadConfig, type InvalidConfig, type LoadedConfig } from '../../config/load.ts';
import { showConfig } from '../../config/redact.ts';
import { complainOfConfig, warnOfConfig } from '../complaints.ts';
import { EXIT } from '../exit-codes.ts';
import { outputOption, type Invocation, type OutputFormat } from '../invocation.ts';
import { registerConfigMigrate } from './config/migrate.ts';

interface ConfigOptions {
  readonly config?: string;
  readonly output: OutputFormat;
}

export function registerConfig(program: Command, invocation: Invocation): void {
  const { terminal } = invocation;
  const config = program.command('config').description('check, show and migrate the configuration');
  config
    .command('check')
    .description(
      'report everything that is wrong with a configuration, and what its author may not have meant; exit code 78 when anything is wrong',
    )
    .option('--config <file>', 'YAML file; the environment is read with it')
    .addOption(outputOption())
    .addHelpText('after', '\nExample:\n  $ capstan config check --config capstan.yaml')
    .action((options: ConfigOptions) => check(options, invocation));
  config
    .command('show')
    .description('print each key in force and where it was set; what may be secret is hidden')
    .option('--config <file>', 'YAML file; the environment is read with it')
    .addOption(outputOption())
    .addHelpText('after', '\nExample:\n  $ capstan config show --config capstan.yaml')
    .action((options: ConfigOptions) => show(options, invocation));
  registerConfigMigrate(config, invocation);
  config
    .command('docs')
    .description('print the reference page of all keys, in Markdown')
    .addHelpText('after', '\nExample:\n  $ capstan config docs > docs/configuration.md')
    .action(() => terminal.print(describeConfig()));
}

function load({ config }: ConfigOptions, { environment }: Invocation): LoadedConfig | InvalidConfig {
  return loadConfig({ ...(config !== undefined && { file: config }), environment });
}

async function check(options: ConfigOptions, invocation: Invocation): Promise<void> {
  const { terminal, endWith } = invocation;
  const loaded = load(options, invocation);
  const { problems, warnings } =
    'problems' in loaded ? { ...loaded, warnings: [] } : await withFiles(loaded, invocation);
  if (problems.length > 0) endWith(EXIT.config);
  if (options.output === 'json') terminal.printJson({ valid: problems.length === 0, problems, warnings });
  else if (problems.length > 0) complainOfConfig(problems, terminal);
  else {
    warnOfConfig(warnings, terminal);
    terminal.print('The configuration is valid.');
  }
}

/** Trust material and token keys that are on this machine are judged as a server would at its start. */
async function withFiles(
  { config, entries, warnings }: LoadedConfig,
  { clock }: Invocation,
): Promise<{ readonly problems: readonly ConfigProblem[]; readonly warnings: readonly ConfigProblem[] }> {
  const { checkIssuer } = await import('../../app/compose/trust/issuers.ts');
  const { checkTokenKeys } = await import('../../app/compose/credentials/authenticators.ts');
  const checked = await checkIssuer(config, clock);
  const path = 'issuer.chainFile';
  const placed = (message: string): ConfigProblem => ({
    where: entries.get(path)?.where([]) ?? 'configuration',
    path,
    message,
  });
  const issuers = 'authentication.tokens.issuers';
  const keys = (await checkTokenKeys(config)).map(({ index, problem }) => ({
    where: entries.get(issuers)?.where([index, 'keys', 'file']) ?? 'configuration',
    path: `${issuers}[${index}].keys.file`,
    message: problem,
  }));
  return {
    problems: [...(checked?.problem === undefined ? [] : [placed(checked.problem)]), ...keys],
    warnings: [...warnings, ...(checked?.warnings ?? []).map(placed)],
  };
}

function show(options: ConfigOptions, invocation: Invocation): void {
  const { terminal, endWith } = invocation;
  const loaded = load(options, invocation);
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
