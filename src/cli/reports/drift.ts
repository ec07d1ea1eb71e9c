// Drift for people and programs: certificates that today's policy would refuse, and policies that are not those that
// Git keeps.
import { formatCount, formatQuantity } from '../../domain/text/format-count.ts';
import { formatTime } from '../../domain/text/format-time.ts';
import { formatPosition } from '../../domain/text/position.ts';
import { DRIFT_SENTENCES, driftCases, type Drift } from '../../review/drift/drift.ts';
import type { LiveCertificates, RefusedCertificate } from '../../review/drift/live-certificates.ts';
import type { PolicyDrift } from '../../domain/policy/history/policy-drift.ts';
import type { Terminal } from '../terminal.ts';
import type { Report } from './report.ts';

/** Certificates that a person is shown. */
const MAX_SHOWN = 50;

export function driftReport(drift: Drift, terminal: Terminal): Report {
  return { tool: 'drift', cases: driftCases(drift), json: jsonOf(drift), text: () => print(drift, terminal) };
}

function jsonOf({ certificates, policies, revision, watched }: Drift): unknown {
  return {
    revision: revision ?? null,
    ...(watched !== undefined && { server: watched }),
    certificates:
      certificates === undefined ? null : { ...certificates, listed: certificates.listed.map(certificateData) },
    policies: policies ?? null,
  };
}

function certificateData({ notAfterMs, refusalReason, decisionId, ...rest }: RefusedCertificate): unknown {
  return { ...rest, notAfter: new Date(notAfterMs).toISOString(), ...refusalReason, decision: decisionId };
}

function print({ certificates, policies, watched }: Drift, terminal: Terminal): void {
  if (certificates !== undefined) printCertificates(certificates, terminal);
  if (certificates !== undefined && policies !== undefined) terminal.print('');
  if (watched !== undefined) printCommits(watched, terminal);
  if (policies !== undefined) printPolicies(policies, watched?.count ?? policies.length, terminal);
}

function printCertificates({ live, refused, undecided, leftOut, listed }: LiveCertificates, terminal: Terminal): void {
  if (listed.length > 0) {
    const head = ['IDENTITY', 'SERIAL', 'VALID UNTIL', 'RENEWAL', 'WHY'];
    terminal.printTable([head, ...listed.slice(0, MAX_SHOWN).map(certificateRow)]);
    if (refused > MAX_SHOWN) terminal.print(`and ${formatCount(refused - MAX_SHOWN)} more`);
    terminal.print('');
  }
  terminal.print(
    `${[
      formatQuantity(live, 'live certificate'),
      `today's policy would refuse ${formatCount(refused)}`,
      ...(undecided === 0 ? [] : [`${formatCount(undecided)} depend on a cluster that is not known`]),
      ...(leftOut === 0 ? [] : [`${formatCount(leftOut)} left out, because policy was not asked or no trace was kept`]),
    ].join(', ')}.`,
  );
}

function certificateRow({
  identity,
  serial,
  notAfterMs,
  refusalReason,
  renewable,
}: RefusedCertificate): readonly string[] {
  const why = `${refusalReason.reason} ${refusalReason.where}: ${refusalReason.words}`;
  return [identity, serial, formatTime(notAfterMs), renewable ? 'waived' : 'refused', why];
}

function printCommits({ gitRevision, gitRevisionInForce }: NonNullable<Drift['watched']>, terminal: Terminal): void {
  if (gitRevision === undefined) return;
  const inForce = gitRevisionInForce === undefined ? 'no commit that the server saw' : `commit ${gitRevisionInForce}`;
  const checkedOut = gitRevisionInForce === gitRevision ? '' : `, checked out is commit ${gitRevision}`;
  terminal.print(`In force is ${inForce}${checkedOut}.`);
}

function printPolicies(policies: readonly PolicyDrift[], count: number, terminal: Terminal): void {
  for (const { title, drift, position, fields } of policies) {
    const place = position === undefined ? '' : ` (${formatPosition(position)})`;
    terminal.print(`${terminal.styled('bold', title)} ${DRIFT_SENTENCES[drift]}${place}`);
    for (const { field, before, after } of fields ?? [])
      terminal.print(`  ${field}: ${before} in force, ${after} in Git`);
  }
  if (count > policies.length) terminal.print(`and ${formatCount(count - policies.length)} more`);
  terminal.print(
    count === 0
      ? 'The policies in force are those in Git.'
      : `${count === 1 ? '1 policy differs' : `${count} policies differ`} from Git.`,
  );
}
