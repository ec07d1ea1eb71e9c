// `capstan anchor`: the rotation of the trust anchors of a running server.
import type { Command } from 'commander';
import { SystemClock } from '../../../adapters/clock/system-clock.ts';
import { PENDING_STEPS, ROTATION } from '../../../adapters/http/admin/administer-anchors.ts';
import type { RotationStatus, StepOutcome } from '../../../authority/administration/anchor-acts.ts';
import type { RotationAct } from '../../../domain/trust/rotation/rotation.ts';
import { askServer, asked, serverOf, serverOptions, type Printed, type Question } from '../../administration.ts';
import { readInput } from '../../inputs/files.ts';
import { outputOption, type Invocation } from '../../invocation.ts';
import { boardOf, printPlan, printRotation, printStep } from '../../reports/server/rotation.ts';

interface StepOptions extends Printed {
  readonly reason: string;
  readonly new?: string;
  readonly certificate?: string;
  readonly override?: boolean;
  readonly dryRun?: boolean;
}

interface StatusOptions extends Printed {
  readonly watch?: boolean;
}

const EXAMPLES = `
Examples:
  $ capstan anchor start --config capstan.yaml --new new-root.pem --reason 'the root of 2015 ends'
  $ capstan anchor status --watch
  $ capstan anchor advance --reason 'all know it'
  $ capstan anchor retire --reason 'nobody hangs on the old one'`;

const STEPS: Readonly<Record<RotationAct, string>> = {
  start: 'has bundles with the new trust anchors beside the old ones, everywhere',
  advance: 'has issuers below the new trust anchors sign, when every workload knows these',
  retire: 'takes the old trust anchors out of the bundles, when nothing hangs on them',
  abort: 'takes a rotation back, before the old trust anchors are retired',
  bridge:
    'has chains below the new trust anchor carry a certificate of it that the old one signed, for workloads that know the old one alone',
  unbridge: 'takes that certificate out of the chains again',
};

/** Judged by what is known of every live workload. */
const HAS_GATE: ReadonlySet<RotationAct> = new Set<RotationAct>(['advance', 'retire', 'unbridge']);

const WATCH_MS = 2_000;
const LOOK_MS = 500;
/** In all some minutes: a hundred thousand workloads are read in less. */
const MAX_LOOKS = 200;

export function registerAnchor(program: Command, invocation: Invocation): void {
  const anchor = program
    .command('anchor')
    .description('rotate the trust anchors of a running server, phase by phase, with proof that each is complete')
    .addHelpText('after', EXAMPLES);
  for (const act of ['start', 'advance', 'retire', 'abort', 'bridge', 'unbridge'] as const)
    registerStep(anchor, act, invocation);
  register(
    anchor,
    'status',
    'shows how far the rotation is: who knows the new anchor, who presents it, who lags behind',
  )
    .option('--watch', 'goes on showing it until it is interrupted')
    .action(async (options: StatusOptions) => showStatus(options, invocation));
  register(anchor, 'plan', 'shows when each phase can end, and what is in the way').action(async (options: Printed) =>
    shown(options, (status) => printPlan(status, invocation), invocation),
  );
  register(anchor, 'approve <digest>', 'does what another person asked for').action(
    async (digest: string, options: Printed) => {
      const question: Question = { method: 'POST', path: `${PENDING_STEPS}/${encodeURIComponent(digest)}` };
      await untilRead(options, invocation);
      await asked(options, question, (outcome: StepOutcome) => printStep(outcome, invocation), invocation);
    },
  );
}

const STATUS: Question = { method: 'GET', path: ROTATION };

function registerStep(anchor: Command, act: RotationAct, invocation: Invocation): void {
  const command = register(anchor, act, STEPS[act]).requiredOption('--reason <text>', 'why, for the journal');
  if (act === 'start') command.requiredOption('--new <file>', 'PEM file with the new trust anchors');
  if (act === 'bridge')
    command
      .requiredOption('--certificate <file>', 'PEM file with the cross-certificate')
      .option('--dry-run', 'judges it, and changes nothing');
  if (HAS_GATE.has(act)) command.option('--override', 'also while something stands against it');
  command.action(async ({ reason, override = false, new: anchors, certificate, dryRun, ...options }: StepOptions) => {
    const file = anchors ?? certificate;
    const pem = file === undefined ? {} : { pem: await readInput(file), ...(dryRun === true && { dryRun }) };
    const question: Question = { method: 'POST', path: `${ROTATION}/${act}`, body: { reason, override, ...pem } };
    const print = (outcome: StepOutcome): void => printStep(outcome, invocation);
    if (HAS_GATE.has(act)) await untilRead(options, invocation);
    await asked(options, question, print, invocation).catch(async (error: unknown) => {
      if (HAS_GATE.has(act)) await explain(options, invocation);
      throw error;
    });
  });
}

/** A refusal is one line, which has no room for all that stands against a step. */
async function explain(options: Printed, invocation: Invocation): Promise<void> {
  const server = await serverOf(options, invocation);
  if (server === undefined) return;
  const { review } = (await askServer(server, STATUS, invocation.signal).catch(() => ({}))) as Partial<RotationStatus>;
  for (const { text, advice } of review?.obstacles ?? [])
    invocation.terminal.explain(advice === undefined ? text : `${text}: ${advice}`);
}

async function showStatus(options: StatusOptions, invocation: Invocation): Promise<void> {
  const { terminal, signal } = invocation;
  if (options.watch !== true) {
    await shown(options, (status) => printRotation(status, invocation, terminal.width), invocation);
    return;
  }
  const server = await serverOf(options, invocation);
  if (server === undefined) return;
  const clock = new SystemClock();
  while (!signal.aborted) {
    const status = (await askServer(server, STATUS, signal)) as RotationStatus;
    if (options.output === 'json') terminal.printJson(status);
    else terminal.redrawPage(boardOf(status, terminal.width ?? UNKNOWN_WIDTH));
    await clock.sleep(WATCH_MS, { signal }).catch(() => undefined);
  }
}

/** Where the output is no terminal. */
const UNKNOWN_WIDTH = 120;

function register(anchor: Command, name: string, description: string): Command {
  return serverOptions(anchor.command(name)).description(description).addOption(outputOption());
}

async function shown(options: Printed, print: (status: RotationStatus) => void, invocation: Invocation): Promise<void> {
  const status = await untilRead(options, invocation);
  if (status === undefined) return;
  if (options.output === 'json') invocation.terminal.printJson(status);
  else print(status);
}

/** Many workloads take longer to read than one answer may take: the server is asked until it has read them. */
async function untilRead(options: Printed, invocation: Invocation): Promise<RotationStatus | undefined> {
  const server = await serverOf(options, invocation);
  if (server === undefined) return undefined;
  const { signal } = invocation;
  let status = (await askServer(server, STATUS, signal)) as RotationStatus;
  for (let looks = 0; status.reading === true && looks < MAX_LOOKS; looks += 1) {
    await new SystemClock().sleep(LOOK_MS, { signal });
    status = (await askServer(server, STATUS, signal)) as RotationStatus;
  }
  return status;
}
