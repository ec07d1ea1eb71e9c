// `capstan bundle …`: keys of those who may sign the policy bundle, their signatures, and what a bundle says.
import { Option, type Command } from 'commander';
import type { InspectOptions } from './inspect.ts';
import type { KeygenOptions } from './keygen.ts';
import type { SignOptions } from './sign.ts';
import type { ResetTimeOptions } from './reset-time.ts';
import type { VerifyOptions } from './verify.ts';
import { serverOptions } from '../../administration.ts';
import { outputOption, type Invocation } from '../../invocation.ts';
import { countOption, momentOption } from '../../options/option-values.ts';

/** In the order in which `--help` lists them. */
const COMMANDS = [registerKeygen, registerSign, registerVerify, registerInspect, registerResetTime];

export function registerBundle(program: Command, invocation: Invocation): void {
  const bundle = program.command('bundle').description('sign, verify and inspect the policy bundle');
  for (const register of COMMANDS) register(bundle, invocation);
}

function registerKeygen(bundle: Command, invocation: Invocation): void {
  bundle
    .command('keygen')
    .description('make a key pair for signing bundles')
    .requiredOption('--out <name>', 'writes <name>.key and <name>.pub, never over what is there')
    .addOption(
      new Option('--algorithm <name>', 'of the key').choices(['ed25519', 'ecdsa-p256'] as const).default('ed25519'),
    )
    .addHelpText('after', '\nExample:\n  $ capstan bundle keygen --out ada')
    .action(async (options: KeygenOptions) => (await import('./keygen.ts')).keygen(options, invocation));
}

const SIGN_HELP = `
Examples:
  $ capstan bundle sign bundle.yaml --key ada.key
  $ capstan bundle sign bundle.yaml --key bob.key

Each holder adds a signature. When the bundle has changed the old ones are void, and a new file begins.`;

function registerSign(bundle: Command, invocation: Invocation): void {
  bundle
    .command('sign')
    .description('add a signature to those of a bundle')
    .argument('<bundle>', 'file with one PolicyBundle')
    .requiredOption('--key <file>', 'private key, as `capstan bundle keygen` writes it')
    .option('--out <file>', 'signature file (default: <bundle>.sig)')
    .addHelpText('after', SIGN_HELP)
    .action(async (file: string, options: SignOptions) =>
      (await import('./sign.ts')).signBundleFile(file, options, invocation),
    );
}

const VERIFY_HELP = `
Example:
  $ capstan bundle verify bundle.yaml --key ada.pub bob.pub --threshold 2 --cluster prod-1

Ends with exit code 77 when the bundle is refused. The sequence is not judged: servers remember it, files do not.`;

function registerVerify(bundle: Command, invocation: Invocation): void {
  bundle
    .command('verify')
    .description('verify a policy bundle as a server would')
    .argument('<bundle>', 'file with one PolicyBundle')
    .requiredOption('--key <file...>', 'public keys of those who may sign')
    .option('--threshold <count>', 'how many of them must have signed', countOption, 1)
    .option('--signature <file>', 'signature file (default: <bundle>.sig)')
    .option('--cluster <id>', 'the cluster it is to come in force in; without it, the audience is not judged')
    .option('--now <time>', 'the time to judge by, such as 2027-01-01T00:00:00Z (default: now)', momentOption)
    .addOption(outputOption())
    .addHelpText('after', VERIFY_HELP)
    .action(async (file: string, options: VerifyOptions) =>
      (await import('./verify.ts')).verifyBundleFile(file, options, invocation),
    );
}

function registerInspect(bundle: Command, invocation: Invocation): void {
  bundle
    .command('inspect')
    .description('show what a bundle says and who signed it')
    .argument('<bundle>', 'file with one PolicyBundle')
    .option('--key <file...>', 'public keys that its signatures are tried with')
    .option('--signature <file>', 'signature file (default: <bundle>.sig)')
    .addOption(outputOption())
    .addHelpText('after', '\nExample:\n  $ capstan bundle inspect bundle.yaml --key ada.pub')
    .action(async (file: string, options: InspectOptions) =>
      (await import('./inspect.ts')).inspectBundleFile(file, options, invocation),
    );
}

const RESET_TIME_HELP = `
Examples:
  $ capstan bundle reset-time --config capstan.yaml
  $ capstan bundle reset-time --config capstan.yaml --confirm 2027-03-01T12:00:00.000Z

The first shows what the second has to repeat, and does nothing. A server judges bundles as of the latest time that it
ever saw, so that a clock which is set back brings no expired bundle to life; a clock that was wrong leaves it ahead.`;

function registerResetTime(bundle: Command, invocation: Invocation): void {
  const command = bundle
    .command('reset-time')
    .description('have a running server judge bundles by its clock again, after that was ahead for a while');
  serverOptions(command)
    .option('--confirm <time>', 'the time that it was shown, to do it')
    .addHelpText('after', RESET_TIME_HELP)
    .action(async (options: ResetTimeOptions) => (await import('./reset-time.ts')).resetTime(options, invocation));
}
