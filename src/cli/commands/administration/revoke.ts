// `capstan revoke`: whom a running server gives no certificate any more, and how that is taken back.
import type { Command } from 'commander';
import { BANS, PENDING_BAN_ACTS } from '../../../adapters/http/admin/administer-bans.ts';
import type { BanOutcome } from '../../../authority/administration/ban-acts.ts';
import type { Ban } from '../../../domain/revocation/ban.ts';
import type { PendingBanAct } from '../../../domain/revocation/ban-ledger.ts';
import { asked, serverOptions, type Printed, type Question } from '../../administration.ts';
import { CommandError, EXIT } from '../../exit-codes.ts';
import { outputOption, type Invocation } from '../../invocation.ts';
import { refuseOptionsBefore } from '../../options/before-subcommand.ts';
import { durationOption } from '../../options/option-values.ts';
import { printBanOutcome, printBans, printPendingBanActs } from '../../reports/server/bans.ts';

/** Whom it is about; exactly one is given. */
const TARGETS = ['serial', 'identity', 'namespace', 'node'] as const;

interface RevokeOptions extends Printed, Partial<Record<(typeof TARGETS)[number], string>> {
  readonly cluster?: string;
  readonly reason?: string;
  readonly for?: number;
  readonly dryRun?: boolean;
}

const EXAMPLES = `
Examples:
  $ capstan revoke --node worker-3 --reason 'root shell found' --dry-run
  $ capstan revoke --identity spiffe://corp.example/ns/shop/sa/web --for 2d --reason 'token leaked'
  $ capstan revoke list
  $ capstan revoke lift 0123456789abcdef --reason 'the node was made anew'`;

export function registerRevoke(program: Command, invocation: Invocation): void {
  const revoke = served(program.command('revoke'))
    .enablePositionalOptions()
    .description(
      'give no certificate any more to a workload, a namespace or a node, or on the strength of a certificate',
    )
    .option('--serial <hex>', 'a certificate, and what was renewed with it')
    .option('--identity <spiffe-id>', 'a workload identity')
    .option('--namespace <name>', 'all identities of a namespace')
    .option('--node <name>', 'all pods of a node, and node proxies there for all that they ask for')
    .option('--cluster <id>', 'only there; without it a node is of the own cluster, and anything else of all')
    .option('--reason <text>', 'why, for the journal')
    .option('--for <duration>', 'such as 12h; without it, until it is lifted', durationOption)
    .option('--dry-run', 'says what it would do, and does nothing')
    .addHelpText('after', EXAMPLES)
    // `revoke --dry-run lift` would lift, and `revoke --server A list` ask another server, for each has options of its own.
    .hook('preSubcommand', refuseOptionsBefore)
    .action(async (options: RevokeOptions) =>
      asked(options, questionOf(options), (outcome: BanOutcome) => printBanOutcome(outcome, invocation), invocation),
    );
  registerBans(revoke, invocation);
  registerPending(revoke, invocation);
}

/** What is done with bans that are there. */
function registerBans(revoke: Command, invocation: Invocation): void {
  served(revoke.command('list'))
    .description('lists what is revoked')
    .action(async (options: Printed) =>
      asked(
        options,
        { method: 'GET', path: BANS },
        ({ bans }: { readonly bans: readonly Ban[] }) => printBans(bans, invocation),
        invocation,
      ),
    );
  served(revoke.command('lift <id>'))
    .description('takes one back: certificates are given again, and those from before are good again')
    .requiredOption('--reason <text>', 'why, for the journal')
    .action(async (id: string, options: Printed & { readonly reason: string }) => {
      const path = `${BANS}/${encodeURIComponent(id)}/lift`;
      const question: Question = { method: 'POST', path, body: { reason: options.reason } };
      await asked(options, question, (outcome: BanOutcome) => printBanOutcome(outcome, invocation), invocation);
    });
}

/** What is done with acts that wait for a second person. */
function registerPending(revoke: Command, invocation: Invocation): void {
  served(revoke.command('pending'))
    .description('lists what waits for a second person')
    .action(async (options: Printed) =>
      asked(
        options,
        { method: 'GET', path: PENDING_BAN_ACTS },
        ({ pending }: { readonly pending: readonly PendingBanAct[] }) => printPendingBanActs(pending, invocation),
        invocation,
      ),
    );
  served(revoke.command('approve <digest>'))
    .description('does what another person asked for')
    .action(async (digest: string, options: Printed) => {
      const question: Question = { method: 'POST', path: `${PENDING_BAN_ACTS}/${encodeURIComponent(digest)}` };
      await asked(options, question, (outcome: BanOutcome) => printBanOutcome(outcome, invocation), invocation);
    });
}

/** @throws CommandError for none of the four, or several. */
function questionOf(options: RevokeOptions): Question {
  const { cluster, reason, for: forMs, dryRun = false } = options;
  const given = TARGETS.filter((one) => options[one] !== undefined);
  const [kind] = given;
  if (kind === undefined || given.length > 1)
    throw new CommandError(EXIT.usage, 'name one of --serial, --identity, --namespace and --node');
  if (reason === undefined) throw new CommandError(EXIT.usage, "required option '--reason <text>' not specified");
  if (kind === 'serial' && (cluster !== undefined || forMs !== undefined))
    throw new CommandError(EXIT.usage, '--cluster and --for are not for a certificate: it is revoked until it ends');
  const target = { [kind]: options[kind], ...(cluster !== undefined && { cluster }) };
  return { method: 'POST', path: BANS, body: { target, reason, ...(forMs !== undefined && { forMs }), dryRun } };
}

function served(command: Command): Command {
  return serverOptions(command).addOption(outputOption());
}
