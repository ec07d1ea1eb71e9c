// Bans as a person reads them: who is concerned, from when on and how, and what they cannot take back.
import type { BanOutcome } from '../../../authority/administration/ban-acts.ts';
import type { BanEffect } from '../../../authority/administration/ban-effects.ts';
import { describeTarget } from '../../../authority/administration/ban-records.ts';
import type { Ban } from '../../../domain/revocation/ban.ts';
import type { PendingBanAct } from '../../../domain/revocation/ban-ledger.ts';
import { formatDuration } from '../../../domain/text/duration.ts';
import { formatTime } from '../../../domain/text/format-time.ts';
import { MAX_REVOKED } from '../../../ports/storage/revoked-leaves.ts';
import type { Invocation } from '../../invocation.ts';

type Printing = Pick<Invocation, 'terminal'>;
type Done = Exclude<BanOutcome, { readonly outcome: 'pending' | 'lifted' }>;
type Lifted = Extract<BanOutcome, { readonly outcome: 'lifted' }>;

export function printBans(bans: readonly Ban[], { terminal }: Printing): void {
  if (bans.length === 0) {
    terminal.print('Nothing is revoked.');
    return;
  }
  terminal.printTable([
    ['ID', 'REVOKED', 'SINCE', 'UNTIL', 'CERTIFICATES END', 'BY', 'REASON'],
    ...bans.map(({ id, target, timeMs, untilMs, leavesUntilMs, actor, approvedBy, reason }) => [
      id,
      describeTarget(target),
      formatTime(timeMs),
      untilMs === undefined ? 'lifted' : formatTime(untilMs),
      formatTime(leavesUntilMs),
      approvedBy === undefined ? actor : `${actor}, ${approvedBy}`,
      reason,
    ]),
  ]);
}

export function printPendingBanActs(pending: readonly PendingBanAct[], { terminal }: Printing): void {
  if (pending.length === 0) {
    terminal.print('Nothing waits for a second person.');
    return;
  }
  terminal.printTable([
    ['DIGEST', 'ACT', 'WHAT', 'ASKED BY', 'LAPSES', 'REASON'],
    ...pending.map(({ digest, wanted, actor, untilMs }) => [
      digest,
      wanted.act,
      whatOf(wanted),
      actor,
      formatTime(untilMs),
      wanted.reason,
    ]),
  ]);
}

export function printBanOutcome(outcome: BanOutcome, printing: Printing): void {
  if (outcome.outcome === 'pending') printPending(outcome.pending, printing);
  else if (outcome.outcome === 'lifted') printLifted(outcome, printing);
  else printRevoked(outcome, printing);
}

const FIRST_WORDS = {
  revoked: 'Revoked',
  'revoked-already': 'Revoked already, nothing was changed',
  'would-revoke': 'Nothing was done. It would be revoked',
} as const;

function printRevoked({ outcome, ban, effect }: Done, { terminal }: Printing): void {
  const { id, target } = ban;
  const words = FIRST_WORDS[outcome];
  const as = outcome === 'would-revoke' ? '' : `, as ${id}`;
  terminal.print(`${words}: ${describeTarget(target)}, ${untilOf(ban)}${as}.`);
  terminal.printTable([
    [
      'certificates',
      `refused with CAP-R01, ${HERE}${effect.othersWithinMs === 0 ? '' : ', and on all of its database'}`,
    ],
    ['SDS', target.kind === 'serial' ? OF_CERTIFICATE : `streams of it end ${soonOf(effect)}, and nothing is renewed`],
    ['live', leavesOf(effect)],
  ]);
  if (outcome === 'would-revoke') return;
  if (target.kind !== 'serial') terminal.print(`To take it back: capstan revoke lift ${id} --reason TEXT`);
}

const HERE = 'in every process of this server from now on';
const OF_CERTIFICATE =
  'streams that showed it end at once; a workload that was given it gets another, with another key';

function printLifted({ ban: { id, target }, effect, still }: Lifted, { terminal }: Printing): void {
  if (still.length > 0) {
    terminal.print(
      `Lifted: ${describeTarget(target)}, which was revoked as ${id}. It is still revoked, all or in part:`,
    );
    terminal.printTable(still.map((ban) => [ban.id, describeTarget(ban.target), untilOf(ban)]));
    return;
  }
  terminal.print(`Not revoked any more: ${describeTarget(target)}, which was so as ${id}.`);
  terminal.printTable([
    ['certificates', `given again where policy allows, ${whenOf(effect)}`],
    ['live', `${countOf(effect)} from before it: good again for those who ask revocation lists (CRLs)`],
  ]);
}

function printPending({ wanted, digest, untilMs }: PendingBanAct, { terminal }: Printing): void {
  const asked = wanted.act === 'lift' ? `take back ${whatOf(wanted)}` : `revoke ${whatOf(wanted)}`;
  terminal.print(`Nothing was done: the policy bundle wants a second person to ${asked}.`);
  terminal.print(`Until ${formatTime(untilMs)} another person may do it:`);
  terminal.print(`  capstan revoke approve ${digest}`);
}

function whatOf(wanted: PendingBanAct['wanted']): string {
  return wanted.act === 'lift' ? wanted.id : describeTarget(wanted.target);
}

function untilOf({ untilMs }: Ban): string {
  return untilMs === undefined ? 'until it is lifted' : `until ${formatTime(untilMs)}`;
}

function whenOf({ othersWithinMs }: BanEffect): string {
  return othersWithinMs === 0 ? HERE : `${HERE}, ${onOthers(othersWithinMs)}`;
}

function soonOf({ othersWithinMs }: BanEffect): string {
  return othersWithinMs === 0 ? 'at once' : `at once, ${onOthers(othersWithinMs)}`;
}

function onOthers(withinMs: number): string {
  return `on the others of its database within ${formatDuration(withinMs)}`;
}

function leavesOf(effect: BanEffect): string {
  if (effect.leaves?.count === 0) return 'it concerns nobody now: no certificate of it lives; is the name right?';
  return `${countOf(effect)}: peers take them until they end, unless they ask revocation lists (CRLs)`;
}

function countOf({ leaves }: BanEffect): string {
  if (leaves === undefined) return 'certificates that could not be counted just now';
  const { count, latestEndMs } = leaves;
  const number = count > MAX_REVOKED ? `more than ${MAX_REVOKED}` : String(count);
  return `${number}${latestEndMs === undefined ? '' : `, the last until ${formatTime(latestEndMs)}`}`;
}
