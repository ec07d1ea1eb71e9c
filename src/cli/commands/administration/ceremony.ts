// `capstan issuer csr` and `capstan issuer import`: an intermediate from a CA that nobody reaches over a network. They work on the files
// that the configuration names, on the server's machine.
import { Option, type Command } from 'commander';
import { CA_KEY_TYPES, type CaKeyType } from '../../../adapters/upstream/offline/new-key.ts';
import type { Config } from '../../../config/schema.ts';
import { formatDuration } from '../../../domain/text/duration.ts';
import { formatTime } from '../../../domain/text/format-time.ts';
import { LEAVES_IN_ISSUER } from '../../../domain/trust/lifetime-relations.ts';
import { complainOfConfig } from '../../complaints.ts';
import { CommandError, EXIT } from '../../exit-codes.ts';
import { readInput } from '../../inputs/files.ts';
import type { ImportedIntermediate } from '../../../app/compose/trust/custody/ceremony.ts';
import { outputOption, type Invocation } from '../../invocation.ts';
import { loadNamedConfig, type ConfigOptions } from '../../options/config-options.ts';

interface CsrOptions extends ConfigOptions {
  readonly commonName?: string;
  readonly keyType: CaKeyType;
  readonly keyId?: string;
}

interface ImportOptions extends ConfigOptions {
  readonly chain: string;
  readonly now?: boolean;
}

export function registerCeremony(issuer: Command, invocation: Invocation): void {
  withConfig(issuer.command('csr [name]'))
    .description('makes the next key of an issuer, if none waits, and prints the request for its certificate')
    .option('--common-name <text>', 'of the subject; most CAs choose their own (default: "Capstan issuer <name>")')
    .addOption(new Option('--key-type <type>', 'of a new key in a folder').choices(CA_KEY_TYPES).default('ec-p256'))
    .option('--key-id <hex>', 'CKA_ID of the key in the token, where several have the label of the configuration')
    .action(async (name: string | undefined, options: CsrOptions) => csr(name, options, invocation));
  withConfig(issuer.command('import [name]'))
    .description('judges the certificate that came back as a server would, and puts it in force with its key')
    .requiredOption('--chain <file>', 'PEM file: the certificate, then those between it and a trust anchor')
    .option('--now', 'in force at once, also below another trust anchor than the one in force')
    .action(async (name: string | undefined, options: ImportOptions) => importChain(name, options, invocation));
}

function withConfig(command: Command): Command {
  return command
    .option('--config <file>', 'configuration of the server; the environment is read with it')
    .addOption(outputOption());
}

async function csr(name: string | undefined, options: CsrOptions, invocation: Invocation): Promise<void> {
  const config = configOf(options, invocation);
  if (config === undefined) return;
  const { requestIntermediate } = await import('../../../app/compose/trust/custody/ceremony.ts');
  const issuer = name ?? config.issuer.name;
  if (options.keyId !== undefined && !/^([0-9a-f]{2})+$/i.test(options.keyId))
    throw new CommandError(EXIT.usage, '--key-id must be bytes in hex, such as 02');
  const { keyType, keyId, commonName = `Capstan issuer ${issuer}` } = options;
  const made = await requestIntermediate(config, { name: issuer, commonName, keyType, keyId }, invocation);
  const { terminal } = invocation;
  if (options.output === 'json') {
    terminal.printJson({ issuer, csr: made.csrPem, key: made.keyPlace, keyIsNew: made.keyIsNew });
    return;
  }
  terminal.print(made.csrPem.trimEnd());
  const named = options.config === undefined ? '' : ` --config ${options.config}`;
  terminal.note(instructions(`${issuer}${named}`, made.keyPlace, config));
}

/**
 * For who reads; the request alone goes where standard output goes.
 * @param issuer as the second command names it, with its configuration.
 */
function instructions(issuer: string, keyPlace: string, { lifetimes, trustDomain, serving }: Config): string {
  const least = formatDuration(LEAVES_IN_ISSUER * lifetimes.max);
  return [
    `The key is in ${keyPlace} and stays there. Send the request to whoever signs intermediates, and ask for`,
    '  - basicConstraints CA:TRUE with pathlen:0, and keyUsage keyCertSign and cRLSign, both critical',
    `  - a lifetime of at least ${least} (${LEAVES_IN_ISSUER} times lifetimes.max), ending no later than the root's`,
    `  - name constraints, where they are used, that permit the URI host ${trustDomain} and the DNS names ${serving.dnsNames.join(', ')}`,
    'Then, with the certificate and those between it and the root in one file:',
    `  capstan issuer import ${issuer} --chain chain.pem`,
    '',
  ].join('\n');
}

async function importChain(name: string | undefined, options: ImportOptions, invocation: Invocation): Promise<void> {
  const config = configOf(options, invocation);
  if (config === undefined) return;
  const chainPem = await readInput(options.chain);
  const { importIntermediate } = await import('../../../app/compose/trust/custody/ceremony.ts');
  const issuer = name ?? config.issuer.name;
  const done = await importIntermediate(
    config,
    { name: issuer, chainPem, now: options.now === true },
    invocation.clock,
    invocation,
  );
  const { subject, sha256, notAfterMs } = done.certificate;
  const { terminal } = invocation;
  if (options.output === 'json') {
    const { unchanged, waits, warnings } = done;
    terminal.printJson({
      issuer,
      id: sha256.slice(0, 16),
      subject,
      notAfter: new Date(notAfterMs).toISOString(),
      unchanged,
      waits,
      warnings,
    });
    return;
  }
  for (const warning of done.warnings) terminal.complain(`warning: ${warning}`);
  const what = `${subject} (${sha256.slice(0, 16)}), until ${formatTime(notAfterMs)}`;
  terminal.print(resultOf(done, issuer, what));
}

function resultOf({ unchanged, waits }: ImportedIntermediate, issuer: string, what: string): string {
  if (waits)
    return `${issuer} keeps ${what}; it leads to another trust anchor, and signs when capstan anchor advance adopts that (--now: at once)`;
  if (unchanged) return `${issuer} has this certificate already: ${what}`;
  return `${issuer} signs with ${what}; a running server takes it within moments`;
}

function configOf(options: ConfigOptions, invocation: Invocation): Config | undefined {
  const loaded = loadNamedConfig(options, invocation);
  if (!('problems' in loaded)) return loaded.config;
  invocation.endWith(complainOfConfig(loaded.problems, invocation.terminal));
  return undefined;
}
