// `capstan config check`: everything that is wrong with a configuration, before anything is started with it.
import type { Command } from 'commander';
import type { ConfigProblem } from '../../../config/sources.ts';
import { loadNamedConfig, type ConfigOptions } from '../../options/config-options.ts';
import type { LoadedConfig } from '../../../config/load.ts';
import { complainOfAway, complainOfConfig, warnOfConfig } from '../../complaints.ts';
import { EXIT } from '../../exit-codes.ts';
import { outputOption, type Invocation } from '../../invocation.ts';

export function registerConfigCheck(config: Command, invocation: Invocation): void {
  config
    .command('check')
    .description(
      'report everything that is wrong with a configuration, and what its author may not have meant; exit code 78 when anything is wrong, 69 when nothing is but a token, a key server or a database does not answer now',
    )
    .option('--config <file>', 'YAML file; the environment is read with it')
    .addOption(outputOption())
    .addHelpText('after', '\nExample:\n  $ capstan config check --config capstan.yaml')
    .action((options: ConfigOptions) => check(options, invocation));
}

async function check(options: ConfigOptions, invocation: Invocation): Promise<void> {
  const { terminal, endWith } = invocation;
  const loaded = loadNamedConfig(options, invocation);
  const { problems, away, warnings } =
    'problems' in loaded ? { ...loaded, away: [], warnings: [] } : await withFiles(loaded, invocation);
  const isWrong = problems.length > 0;
  if (isWrong) endWith(EXIT.config);
  else if (away.length > 0) endWith(EXIT.unavailable);
  const valid = !isWrong && away.length === 0;
  if (options.output === 'json') terminal.printJson({ valid, problems, away, warnings });
  else if (isWrong) complainOfConfig([...problems, ...away], terminal);
  else {
    warnOfConfig(warnings, terminal);
    if (valid) terminal.print('The configuration is valid.');
    else complainOfAway(away, terminal);
  }
}

interface Checked {
  readonly problems: readonly ConfigProblem[];
  /** What does not answer now: whether it is as it should be can be told later. */
  readonly away: readonly ConfigProblem[];
  readonly warnings: readonly ConfigProblem[];
}

/** Trust material and token keys on this machine, and the journal's database, are judged as a server would at its start. */
async function withFiles({ config, entries, warnings }: LoadedConfig, { clock, signal }: Invocation): Promise<Checked> {
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
  const { checkShownCertificate } =
    await import('../../../app/compose/administration/console/check-shown-certificate.ts');
  const shown = await checkShownCertificate(config, clock);
  const ofConsole = (message: string | undefined): readonly ConfigProblem[] => {
    const place = ['listen.console.chainFile', 'listen.console.url'].find((key) => entries.has(key));
    return message === undefined ? [] : [placed(message, place)];
  };
  const additional = checked?.additional;
  const issuers = 'authentication.tokens.issuers';
  const keys = (await checkTokenKeys(config)).map(({ index, problem }) => ({
    where: entries.get(issuers)?.where([index, 'keys', 'file']) ?? 'configuration',
    path: `${issuers}[${index}].keys.file`,
    message: problem,
  }));
  const issuer = checked?.problem === undefined ? [] : [placed(checked.problem)];
  const isAway = checked?.away === true;
  return {
    problems: [
      ...(isAway ? [] : issuer),
      ...keys,
      ...ofConsole(shown.problem),
      ...(store.problem === undefined ? [] : [placed(store.problem, 'journal.store')]),
    ],
    away: [...(isAway ? issuer : []), ...(store.away === undefined ? [] : [placed(store.away, 'journal.store')])],
    warnings: [
      ...warnings,
      ...(checked?.warnings ?? []).map((warning) => placed(warning)),
      ...store.warnings.map((warning) => placed(warning, 'journal.store')),
      ...ofConsole(shown.warning),
      ...(additional === undefined ? [] : [placed(additional, 'additionalIssuers')]),
    ],
  };
}
