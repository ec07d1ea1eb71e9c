// The table of commands, and what happens around each: its arguments are read, it runs, and what
// went wrong becomes one line and an exit code. It imports much because every command is named here.
import { Command, CommanderError } from 'commander';
import { SystemClock } from '../adapters/clock/system-clock.ts';
import { processEnvironment } from '../config/environment.ts';
import { registerBundle } from './commands/bundle/bundle.ts';
import { registerConfig } from './commands/config.ts';
import { registerDoctor } from './commands/doctor.ts';
import { registerDrift } from './commands/drift.ts';
import { registerInspect } from './commands/certificates/inspect.ts';
import { registerRogue } from './commands/certificates/rogue.ts';
import { registerAnchor } from './commands/administration/anchor.ts';
import { registerCrl } from './commands/administration/crl.ts';
import { registerInventory } from './commands/administration/inventory.ts';
import { registerIssuer } from './commands/administration/issuer.ts';
import { registerRevoke } from './commands/administration/revoke.ts';
import { registerIssue } from './commands/issue.ts';
import { registerBackup } from './commands/journal/backup.ts';
import { registerRestore } from './commands/journal/restore.ts';
import { registerJournal } from './commands/journal.ts';
import { registerPolicy } from './commands/policy.ts';
import { registerSds } from './commands/administration/sds.ts';
import { registerServe } from './commands/serve/serve.ts';
import { registerToken } from './commands/token.ts';
import { registerVersion } from './commands/version.ts';
import { registerWorker } from './commands/serve/worker.ts';
import { complainOf } from './complaints.ts';
import { EXIT, type ExitCode } from './exit-codes.ts';
import { printFailedReport } from './reports/failed.ts';
import type { Invocation } from './invocation.ts';
import { processTerminal, type Terminal } from './terminal.ts';

/** In the order in which `--help` lists them. */
const COMMANDS: readonly ((program: Command, invocation: Invocation) => void)[] = [
  registerServe,
  registerIssue,
  registerToken,
  registerInspect,
  registerRogue,
  registerJournal,
  registerBackup,
  registerRestore,
  registerInventory,
  registerSds,
  registerIssuer,
  registerAnchor,
  registerRevoke,
  registerCrl,
  registerPolicy,
  registerBundle,
  registerDrift,
  registerDoctor,
  registerConfig,
  registerVersion,
  registerWorker,
];

export interface RunOptions
  extends Pick<Invocation, 'signal'>, Partial<Pick<Invocation, 'clock' | 'environment' | 'rereads'>> {
  readonly terminal?: Terminal;
}

/**
 * Runs one command line to its end.
 * @param argv without the program's own name.
 * @returns the exit code. Never throws.
 */
export async function runCli(argv: readonly string[], options: RunOptions): Promise<number> {
  const {
    environment = processEnvironment(),
    clock = new SystemClock(),
    rereads = new EventTarget(),
    signal,
  } = options;
  const terminal = options.terminal ?? processTerminal(environment);
  const code = await runCommand(argv, { terminal, clock, environment, signal, rereads });
  const unwritten = await terminal.flushed();
  if (unwritten === undefined) return code;
  terminal.complain(`cannot write to standard output (${unwritten})`);
  return isCheck(argv) ? EXIT.unreadable : EXIT.cannotCreate;
}

async function runCommand(argv: readonly string[], given: Omit<Invocation, 'endWith'>): Promise<ExitCode> {
  let code: ExitCode = EXIT.ok;
  const endWith = (wanted: ExitCode): void => void (code = wanted);
  const root = program({ ...given, endWith });
  const printed = given.terminal.printedLines;
  try {
    await root.parseAsync(argv, { from: 'user' });
    return code;
  } catch (error) {
    const asked = error instanceof CommanderError && error.exitCode === 0;
    if (!asked && given.terminal.printedLines === printed) printFailedReport(argv, error, root, given.terminal);
    // Commander has said what was wrong, or printed the help that was asked for.
    if (error instanceof CommanderError)
      return error.exitCode === 0 ? EXIT.ok : isCheck(argv) ? EXIT.unreadable : EXIT.usage;
    if (given.signal.aborted && error === given.signal.reason) {
      given.terminal.complain('ended before it was done');
      return isCheck(argv) ? EXIT.unreadable : EXIT.temporary;
    }
    const failed = complainOf(error, given.terminal);
    return failed === EXIT.usage && isCheck(argv) ? EXIT.unreadable : failed;
  }
}

/** Commands that pipelines run as checks keep to the three exit codes that pipelines know. */
function isCheck([command]: readonly string[]): boolean {
  return command === 'policy' || command === 'drift' || command === 'doctor' || command === 'rogue';
}

function program(invocation: Invocation): Command {
  const { terminal } = invocation;
  const root = new Command('capstan')
    .description("The certificate authority of a service mesh: Istio's CSR API and Envoy's SDS from one process.")
    .helpCommand(false)
    // So that a command and one below it may have options of one name.
    .enablePositionalOptions()
    .exitOverride()
    .configureOutput({
      writeOut: (text) => terminal.print(text),
      writeErr: (text) => terminal.note(text),
      outputError: (text) =>
        terminal.complain(
          text
            .replace(/^error: /, '')
            .trimEnd()
            .replaceAll('\n', ' '),
        ),
    })
    .showHelpAfterError('(--help shows what can be written)');
  for (const register of COMMANDS) register(root, invocation);
  return root;
}
