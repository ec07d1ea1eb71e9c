// `capstan issuer`: what the issuers of a running server are, and what operators do to them.
import type { Command } from 'commander';
import { ISSUERS, PENDING_ACTS } from '../../../adapters/http/admin/administer-issuers.ts';
import type { ActOutcome } from '../../../authority/administration/issuer-acts.ts';
import type { IssuerDetails, IssuerRow } from '../../../authority/administration/issuer-overview.ts';
import type { PendingAct } from '../../../domain/trust/issuer-ledger.ts';
import type { IssuerAct } from '../../../domain/trust/issuer-state.ts';
import { asked, serverOptions, type Printed, type Question } from '../../administration.ts';
import { outputOption, type Invocation } from '../../invocation.ts';
import { registerIssuerKeys } from './issuer-keys.ts';
import { registerIssuerRotate } from './issuer-rotate.ts';
import { registerCeremony } from './ceremony.ts';
import { printDetails, printIssuers, printOutcome, printPending } from '../../reports/server/issuers.ts';

interface ActOptions extends Printed {
  readonly reason: string;
  readonly id?: string;
  readonly force?: boolean;
  readonly override?: boolean;
}

const EXAMPLES = `
Examples:
  $ capstan issuer list --config capstan.yaml
  $ capstan issuer suspend default --reason 'key ceremony under review'
  $ capstan issuer taint default --reason 'key leaked' --server https://ca.example.com:15016 \\
      --client-cert me.pem --client-key me-key.pem --ca root.pem`;

const ACTS: Readonly<Record<IssuerAct, string>> = {
  suspend: 'has an issuer sign nothing until it resumes; the leaves of it stay valid',
  resume: 'lets a suspended issuer sign again',
  taint: 'has an issuer sign nothing any more, and renews every leaf of it over SDS now',
  retire: 'ends an issuer for good, when no leaf of it lives',
};

const ROTATE = 'has the next certificate of an issuer asked of its CA now, and not in its time';
const KEYS = 'lists the keys in the token or folder of an issuer, and deletes one that is of no certificate';

export function registerIssuer(program: Command, invocation: Invocation): void {
  const issuer = program
    .command('issuer')
    .description('have an issuer signed; ask a running server about its issuers, suspend them, or end them')
    .addHelpText('after', EXAMPLES);
  register(issuer, 'list', 'lists all issuers with their states').action(async (options: Printed) =>
    asked(
      options,
      { method: 'GET', path: ISSUERS },
      ({ issuers }: { readonly issuers: readonly IssuerRow[] }) => printIssuers(issuers, invocation),
      invocation,
    ),
  );
  register(issuer, 'show <name>', 'shows an issuer: chain, bounds, history, and what hangs on it').action(
    async (name: string, options: Printed) =>
      asked(
        options,
        { method: 'GET', path: pageOf(name) },
        (details: IssuerDetails) => printDetails(details, invocation),
        invocation,
      ),
  );
  registerCeremony(issuer, invocation);
  registerIssuerKeys(register(issuer, 'keys <name>', KEYS), invocation);
  registerIssuerRotate(register(issuer, 'rotate <name>', ROTATE), invocation);
  for (const act of Object.keys(ACTS) as IssuerAct[]) registerAct(issuer, act, invocation);
  register(issuer, 'pending', 'lists what waits for a second person').action(async (options: Printed) =>
    asked(
      options,
      { method: 'GET', path: PENDING_ACTS },
      ({ pending }: { readonly pending: readonly PendingAct[] }) => printPending(pending, invocation),
      invocation,
    ),
  );
  register(issuer, 'approve <digest>', 'does what another person asked for').action(
    async (digest: string, options: Printed) =>
      asked(
        options,
        { method: 'POST', path: `${PENDING_ACTS}/${encodeURIComponent(digest)}` },
        (outcome: ActOutcome) => printOutcome(outcome, invocation),
        invocation,
      ),
  );
}

function registerAct(issuer: Command, act: IssuerAct, invocation: Invocation): void {
  const command = register(issuer, `${act} <name>`, ACTS[act])
    .requiredOption('--reason <text>', 'why, for the journal')
    .option('--id <id>', 'another certificate of the issuer than the one that signs');
  if (act === 'taint') command.option('--force', 'also when no other issuer can sign');
  if (act === 'retire') command.option('--override', 'also while leaves of it live');
  command.action(async (name: string, options: ActOptions) => {
    const { reason, id, force, override } = options;
    const body = { reason, ...(id !== undefined && { id }), override: force === true || override === true };
    const question: Question = { method: 'POST', path: `${pageOf(name)}/${act}`, body };
    await asked(options, question, (outcome: ActOutcome) => printOutcome(outcome, invocation), invocation);
  });
}

function register(issuer: Command, name: string, description: string): Command {
  return serverOptions(issuer.command(name)).description(description).addOption(outputOption());
}

function pageOf(name: string): string {
  return `${ISSUERS}/${encodeURIComponent(name)}`;
}
