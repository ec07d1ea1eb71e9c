// Issuers as a person reads them.
import type { ActOutcome } from '../../../authority/administration/issuer-acts.ts';
import type { IssuerDetails, IssuerRow } from '../../../authority/administration/issuer-overview.ts';
import { formatDuration } from '../../../domain/text/duration.ts';
import { formatTime } from '../../../domain/text/format-time.ts';
import type { IssuerMove, PendingAct } from '../../../domain/trust/issuer-ledger.ts';
import type { Invocation } from '../../invocation.ts';

type Printing = Pick<Invocation, 'terminal'>;

export function printIssuers(issuers: readonly IssuerRow[], { terminal }: Printing): void {
  terminal.printTable([
    ['NAME', 'STATE', 'SINCE', 'ID', 'ENDS', 'SUBJECT'],
    ...issuers.map((row) => [
      nameOf(row),
      row.state,
      row.by === undefined ? '-' : formatTime(row.by.timeMs),
      row.id ?? '-',
      row.notAfterMs === undefined ? '-' : formatTime(row.notAfterMs),
      row.subject ?? row.why ?? '-',
    ]),
  ]);
}

export function printDetails(details: IssuerDetails, printing: Printing): void {
  const { terminal } = printing;
  const { issuer, former, chain, custody, maxTtlMs, history, figures } = details;
  const { by, anchor, why } = issuer;
  terminal.print(`Issuer ${nameOf(issuer)} is ${issuer.state}${by === undefined ? '' : sinceOf(by)}.`);
  if (why !== undefined) terminal.print(`It ${why}.`);
  terminal.printTable([
    ['certificate', issuer.id ?? '-'],
    ['chain', chain[0] === undefined ? '-' : `${chain[0].subject}, until ${formatTime(chain[0].notAfterMs)}`],
    ...chain.slice(1).map(({ subject, notAfterMs }) => ['', `${subject}, until ${formatTime(notAfterMs)}`]),
    ['anchor', anchor ?? '-'],
    ['key', custody],
    ['longest certificate', maxTtlMs === undefined ? 'as the server allows' : formatDuration(maxTtlMs)],
    ...former.map((row) => [isToCome(row) ? 'next certificate' : 'former certificate', formerOf(row)]),
  ]);
  const { live } = figures;
  const until = live.latestEndMs === undefined ? '' : `, the last until ${formatTime(live.latestEndMs)}`;
  terminal.print(
    `Since ${formatTime(figures.sinceMs)} it issued ${figures.issued} and refused ${figures.refused}; ${live.count} live${until}.`,
  );
  if (figures.namespaces.length > 0) {
    terminal.printTable([
      ['NAMESPACE', 'ISSUED', 'LIVE'],
      ...figures.namespaces.map(({ namespace, issued, live: count }) => [namespace, String(issued), String(count)]),
    ]);
  }
  if (figures.revisions.length > 0) {
    terminal.printTable([
      ['POLICY REVISION', 'ISSUED', 'REFUSED'],
      ...figures.revisions.map(({ revision, issued, refused }) => [revision, String(issued), String(refused)]),
    ]);
  }
  if (history.length > 0) printHistory(history, printing);
}

export function printPending(pending: readonly PendingAct[], { terminal }: Printing): void {
  if (pending.length === 0) {
    terminal.print('Nothing waits for a second person.');
    return;
  }
  terminal.printTable([
    ['DIGEST', 'ACT', 'ISSUER', 'ID', 'ASKED BY', 'LAPSES', 'REASON'],
    ...pending.map(({ digest, act, issuer, id, actor, untilMs, reason }) => [
      digest,
      act,
      issuer,
      id,
      actor,
      formatTime(untilMs),
      reason,
    ]),
  ]);
}

export function printOutcome(outcome: ActOutcome, { terminal }: Printing): void {
  if (outcome.outcome === 'pending') {
    const { act, issuer, digest, untilMs } = outcome.pending;
    terminal.print(`Nothing was done: the policy bundle wants a second person to ${act} issuer ${issuer}.`);
    terminal.print(`Until ${formatTime(untilMs)} another person may do it:`);
    terminal.print(`  capstan issuer approve ${digest}`);
    return;
  }
  const { move, notes } = outcome;
  terminal.print(`Issuer ${move.issuer} (${move.id}) is ${move.to}; before it was ${move.from}.`);
  for (const note of notes) terminal.print(`Note: ${note}.`);
}

function printHistory(history: readonly IssuerMove[], { terminal }: Printing): void {
  terminal.printTable([
    ['TIME', 'ID', 'FROM', 'TO', 'BY', 'REASON'],
    ...history.map(({ timeMs, id, from, to, actor, approvedBy, reason }) => [
      formatTime(timeMs),
      id,
      from,
      to,
      approvedBy === undefined ? actor : `${actor}, ${approvedBy}`,
      reason,
    ]),
  ]);
}

function nameOf({ name, isDefault }: IssuerRow): string {
  const called = name === '' ? '-' : name;
  return isDefault ? `${called} (default)` : called;
}

function sinceOf({ timeMs, actor, reason }: IssuerMove): string {
  return ` since ${formatTime(timeMs)}, by ${actor}: ${reason}`;
}

function isToCome({ state }: IssuerRow): boolean {
  return state === 'preparing' || state === 'prepared';
}

function formerOf({ id = '-', state, leavesUntilMs }: IssuerRow): string {
  const until = leavesUntilMs === undefined ? '' : `, its leaves end by ${formatTime(leavesUntilMs)}`;
  return `${id} is ${state}${until}`;
}
