// `capstan serve`: the server, from a configuration file or from a data directory that it fills itself.
import path from 'node:path';
import { Option, type Command } from 'commander';
import { DEV_DATA_DIRECTORY, devValues } from '../../../config/dev.ts';
import { environmentName, flagName, type Key } from '../../../config/key.ts';
import { loadConfig } from '../../../config/load.ts';
import { OLD_KEYS, textKeys } from '../../../config/sources.ts';
import { complainOfConfig, warnOfConfig } from '../../complaints.ts';
import { programName, type Invocation } from '../../invocation.ts';
import { reportReady } from '../../reports/server/ready.ts';

interface ServeCommandOptions {
  readonly config?: string;
  readonly dev?: true;
  readonly dataDir: string;
}

/** Whoever names a cluster has no use for the manifests of --dev. */
const FROM_CLUSTER = 'cluster.kubernetes.from';

const EXAMPLES = `
Examples:
  $ capstan serve --dev
  $ capstan serve --config /etc/capstan/capstan.yaml
  $ capstan serve --dev --listen-tls-address 0.0.0.0:15012 --serving-dns-names ca.example.test,localhost

docs/configuration.md describes every key. What only a file can say has no flag.`;

export function registerServe(program: Command, invocation: Invocation): void {
  const command = program
    .command('serve')
    .description('run the certificate authority')
    .addOption(new Option('--config <file>', 'YAML configuration file').conflicts('dev'))
    .option(
      '--dev',
      'need no configuration: make a throwaway root and all below it in --data-dir, or use what is there',
    )
    .option('--data-dir <folder>', 'where --dev keeps everything', DEV_DATA_DIRECTORY)
    .addHelpText('after', EXAMPLES);
  const flags = [
    ...[...textKeys()].map(([key, facts]) => ({ key, option: flagOption(key, facts) })),
    // Known so that they are refused with their new names.
    ...OLD_KEYS.map(({ old }) => ({ key: old, option: new Option(`${flagName(old)} <value>`).hideHelp() })),
  ];
  for (const { option } of flags) command.addOption(option);
  command.action(async (options: ServeCommandOptions & Readonly<Record<string, unknown>>) => {
    const given = flags.flatMap(({ key, option }): [string, string][] => {
      const text = options[option.attributeName()];
      return typeof text === 'string' ? [[key, text]] : [];
    });
    await run(options, Object.fromEntries(given), invocation);
  });
}

function flagOption(path: string, { sentence }: Key<unknown>): Option {
  return new Option(`${flagName(path)} <value>`, sentence).helpGroup('Configuration:');
}

async function run(
  options: ServeCommandOptions,
  flags: Readonly<Record<string, string>>,
  invocation: Invocation,
): Promise<void> {
  const { terminal, signal, rereads, clock, environment, endWith } = invocation;
  // Loaded here: no other command needs the server's parts, and they take half a second.
  const [{ serve }, { devDataPaths, openDevDataDirectory }] = await Promise.all([
    import('../../../app/serve.ts'),
    import('../../../adapters/dev/dev-data-directory.ts'),
  ]);
  const paths = options.dev === true ? devDataPaths(options.dataDir) : undefined;
  const asksCluster = FROM_CLUSTER in flags || environmentName(FROM_CLUSTER) in environment;
  const loaded = loadConfig({
    ...(paths !== undefined && { given: devValues(paths, path.resolve(options.dataDir), { asksCluster }) }),
    ...(options.config !== undefined && { file: options.config }),
    environment,
    flags,
  });
  if ('problems' in loaded) {
    endWith(complainOfConfig(loaded.problems, terminal));
    if (options.config === undefined && paths === undefined) {
      terminal.explain('name a file with --config, or try `capstan serve --dev`');
    }
    return;
  }
  const { config, warnings } = loaded;
  const dev = paths && (await openDevDataDirectory(options.dataDir, clock.nowMs(), config.trustDomain));
  warnOfConfig(warnings, terminal);
  await serve(config, {
    signal,
    rereads,
    onReady: (report) =>
      reportReady(report, {
        terminal,
        nowMs: clock.nowMs(),
        program: programName(environment),
        dataDir: dev === undefined ? undefined : options.dataDir,
        created: dev?.created ?? false,
        logFile: config.telemetry.logFile,
        socketDirectory: config.sds.socketDirectory,
      }),
  });
  terminal.print('Capstan has stopped.');
}
