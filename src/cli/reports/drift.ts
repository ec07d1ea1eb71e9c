// Drift for people and programs: certificates that today's policy would refuse, and policies that are not those that
// Git keeps.
import { formatCount, formatQuantity } from '../../domain/text/format-count.ts';
import { formatTime } from '../../domain/text/format-time.ts';
import { formatPosition } from '../../domain/text/position.ts';
import { DRIFT_SENTENCES, driftCases, type Drift } from '../../review/drift/drift.ts';
import type { LiveCertificates, RefusedCertificate } from '../../review/drift/live-certificates.ts';
import type { PolicyDrift } from '../../review/drift/policy-drift.ts';
import type { Terminal } from '../terminal.ts';
import type { Report } from './report.ts';

/** Certificates that a person is shown. */
const MAX_SHOWN = 50;

export function driftReport(drift: Drift, terminal: Terminal): Report {
  return { tool: 'drift', cases: driftCases(drift), json: jsonOf(drift), text: () => print(drift, terminal) };
}

function jsonOf({ certificates, policies, revision }: Drift): unknown {
  return {
    revision: revision ?? null,
    certificates:
      certificates === undefined ? null : { ...certificates, listed: certificates.listed.map(certificateData) },
    policies: policies ?? null,
  };
}

function certificateData({ notAfterMs, refusalReason, decisionId, ...rest }: RefusedCertificate): unknown {
  return { ...rest, notAfter: new Date(notAfterMs).toISOString(), ...refusalReason, decision: decisionId };
}

function print({ certificates, policies }: Drift, terminal: Terminal): void {
  if (certificates !== undefined) printCertificates(certificates, terminal);
  if (certificates !== undefined && policies !== undefined) terminal.print('');
  if (policies !== undefined) printPolicies(policies, terminal);
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

function printPolicies(policies: readonly PolicyDrift[], terminal: Terminal): void {
  for (const { title, drift, position, fields } of policies) {
    const place = position === undefined ? '' : ` (${formatPosition(position)})`;
    terminal.print(`${terminal.styled('bold', title)} ${DRIFT_SENTENCES[drift]}${place}`);
    for (const { field, before, after } of fields ?? [])
      terminal.print(`  ${field}: ${before} in force, ${after} in Git`);
  }
  terminal.print(
    policies.length === 0
      ? 'The policies in force are those in Git.'
      : `${policies.length === 1 ? '1 policy differs' : `${policies.length} policies differ`} from Git.`,
  );
}
