// Drift for people and pipelines: certificates that today's policy would refuse, and policies that are not
// those that Git keeps.
import { formatPosition } from '../../domain/text/position.ts';
import type { Finding, Report } from '../../review/findings.ts';
import { formatCount } from '../progress.ts';
import type { Terminal } from '../terminal.ts';
import { formatTime } from '../../domain/text/format-time.ts';
import type { PolicyDrift } from '../../review/drift/policy-drift.ts';
import type { LiveCertificates, RefusedCertificate } from '../../review/drift/live-certificates.ts';

export interface Drift {
  /** Absent when no journal was read. */
  readonly certificates?: LiveCertificates;
  /** Absent when nothing was compared with Git. */
  readonly policies?: readonly PolicyDrift[];
  /** Of the policies that were asked, or that the server says are in force. */
  readonly revision?: string;
}

/** Certificates that a person is shown. */
const MAX_SHOWN = 50;

const DRIFT_WORDS: Readonly<Record<PolicyDrift['drift'], string>> = {
  missing: 'is in force, but Git does not keep it',
  extra: 'is kept in Git, but is not in force',
  different: 'differs between what is in force and what Git keeps',
};

export function driftReport(drift: Drift, terminal: Terminal): Report {
  const { certificates, policies } = drift;
  return {
    tool: 'drift',
    cases: [
      ...(certificates === undefined
        ? []
        : [{ name: 'live certificates', findings: certificates.listed.map(certificateFinding) }]),
      ...(policies === undefined ? [] : [{ name: 'policies in Git', findings: policies.map(policyFinding) }]),
    ],
    json: jsonOf(drift),
    text: () => print(drift, terminal),
  };
}

function certificateFinding(certificate: RefusedCertificate): Finding {
  const { identity, serial, notAfterMs, refusalReason, renewable } = certificate;
  const until = `serial ${serial}, valid until ${formatTime(notAfterMs)}`;
  const verdict = renewable ? 'would be refused to a newcomer, and is renewed for now' : 'would be refused today';
  const message = `${until}, ${verdict}: ${refusalReason.where}: ${refusalReason.words}`;
  return { id: refusalReason.reason, level: renewable ? 'warning' : 'error', message, subject: identity };
}

function policyFinding({ title, drift, position, fields = [] }: PolicyDrift): Finding {
  const changed = fields.map(({ field, before, after }) => `${field} ${before} became ${after}`);
  const message = [DRIFT_WORDS[drift], ...(changed.length === 0 ? [] : [changed.join('; ')])].join(': ');
  return { id: `drift/${drift}`, level: 'error', message, subject: title, ...(position !== undefined && { position }) };
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
      `${formatCount(live)} live ${live === 1 ? 'certificate' : 'certificates'}`,
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
  return [identity, serial, formatTime(notAfterMs), renewable ? 'passed over' : 'refused', why];
}

function printPolicies(policies: readonly PolicyDrift[], terminal: Terminal): void {
  for (const { title, drift, position, fields } of policies) {
    const place = position === undefined ? '' : ` (${formatPosition(position)})`;
    terminal.print(`${terminal.styled('bold', title)} ${DRIFT_WORDS[drift]}${place}`);
    for (const { field, before, after } of fields ?? [])
      terminal.print(`  ${field}: ${before} in force, ${after} in Git`);
  }
  terminal.print(
    policies.length === 0
      ? 'The policies in force are those in Git.'
      : `${policies.length === 1 ? '1 policy differs' : `${policies.length} policies differ`} from Git.`,
  );
}
