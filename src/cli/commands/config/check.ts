// `capstan config check`: everything that is wrong with a configuration, before anything is started with it.
import type { Command } from 'commander';
import type { ConfigProblem } from '../../../config/sources.ts';
import { loadNamedConfig, type ConfigOptions } from '../../options/config-options.ts';
import type { LoadedConfig } from '../../../config/load.ts';
import { complainOfConfig, warnOfConfig } from '../../complaints.ts';
import { EXIT } from '../../exit-codes.ts';
import { outputOption, type Invocation } from '../../invocation.ts';

export function registerConfigCheck(config: Command, invocation: Invocation): void {
  config
    .command('check')
    .description(
      'report everything that is wrong with a configuration, and what its author may not have meant; exit code 78 when anything is wrong',
    )
    .option('--config <file>', 'YAML file; the environment is read with it')
    .addOption(outputOption())
    .addHelpText('after', '\nExample:\n  $ capstan config check --config capstan.yaml')
    .action((options: ConfigOptions) => check(options, invocation));
}

async function check(options: ConfigOptions, invocation: Invocation): Promise<void> {
  const { terminal, endWith } = invocation;
  const loaded = loadNamedConfig(options, invocation);
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

/** Trust material and token keys on this machine, and the journal's database, are judged as a server would at its start. */
async function withFiles(
  { config, entries, warnings }: LoadedConfig,
  { clock, signal }: Invocation,
): Promise<{ readonly problems: readonly ConfigProblem[]; readonly warnings: readonly ConfigProblem[] }> {
  const { checkIssuer } = await import('../../../app/compose/trust/issuers.ts');
  const { checkTokenKeys } = await import('../../../app/compose/credentials/authenticators.ts');
  const checked = await checkIssuer(config, clock);
  const issuerKey =
    ['issuer.directory', 'issuer.pkcs11', 'issuer.transit'].find((key) => entries.has(key)) ?? 'issuer.chainFile';
  const placed = (message: string, path = issuerKey): ConfigProblem => ({
    where: entries.get(path)?.where([]) ?? 'configuration',
    path,
    message,
  });
  const { checkStore } = await import('../../../app/compose/stores/check-store.ts');
  const store = await checkStore(config, { signal });
  const additional = checked?.additional;
  const issuers = 'authentication.tokens.issuers';
  const keys = (await checkTokenKeys(config)).map(({ index, problem }) => ({
    where: entries.get(issuers)?.where([index, 'keys', 'file']) ?? 'configuration',
    path: `${issuers}[${index}].keys.file`,
    message: problem,
  }));
  return {
    problems: [
      ...(checked?.problem === undefined ? [] : [placed(checked.problem)]),
      ...keys,
      ...(store.problem === undefined ? [] : [placed(store.problem, 'journal.store')]),
    ],
    warnings: [
      ...warnings,
      ...(checked?.warnings ?? []).map((warning) => placed(warning)),
      ...store.warnings.map((warning) => placed(warning, 'journal.store')),
      ...(additional === undefined ? [] : [placed(additional, 'additionalIssuers')]),
    ],
  };
}
