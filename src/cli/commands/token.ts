// `capstan token`: a bearer token of dev mode's own issuer, for an Envoy bootstrap or a script.
import path from 'node:path';
import { Option, type Command } from 'commander';
import { DEV_DATA_DIRECTORY } from '../../config/dev.ts';
import { writeTogether } from '../inputs/files.ts';
import { outputOption, type Invocation, type OutputFormat } from '../invocation.ts';
import { durationOption, identityOption } from '../options/option-values.ts';

interface TokenOptions {
  readonly namespace: string;
  readonly serviceAccount: string;
  readonly trustDomain: string;
  readonly dataDir: string;
  readonly ttl: number;
  readonly out?: string;
  readonly output: OutputFormat;
}

const DEFAULT_TTL = '12h';

export function registerToken(program: Command, { terminal, clock }: Invocation): void {
  program
    .command('token')
    .description("print a bearer token of dev mode's own token issuer")
    .requiredOption('--namespace <name>', 'Kubernetes namespace of the workload')
    .requiredOption('--service-account <name>', 'its service account')
    .option('--trust-domain <name>', 'trust domain of the mesh', 'cluster.local')
    .addOption(
      new Option('--ttl <duration>', 'lifetime of the token')
        .argParser(durationOption)
        .default(durationOption(DEFAULT_TTL), DEFAULT_TTL),
    )
    .option('--data-dir <folder>', 'data directory of `capstan serve --dev`', DEV_DATA_DIRECTORY)
    .option(
      '--out <file>',
      'write it there instead, mode 0600, with no newline behind it: ztunnel sends a file as it is',
    )
    .addOption(outputOption())
    .addHelpText('after', '\nExample:\n  $ capstan token --namespace default --service-account demo --out token')
    .action(async (options: TokenOptions) => {
      const identity = identityOption(options);
      const times = { nowMs: clock.nowMs(), lifetimeMs: options.ttl };
      const { mintDevToken } = await import('../inputs/dev-token.ts');
      const token = await mintDevToken(options.dataDir, identity, times);
      if (options.out !== undefined) {
        const name = path.basename(options.out);
        await writeTogether(path.dirname(options.out), [{ name, text: token, mode: 0o600 }]);
        return;
      }
      if (options.output === 'text') {
        terminal.print(token);
        return;
      }
      terminal.printJson({ token, expires: new Date(times.nowMs + times.lifetimeMs).toISOString() });
    });
}
