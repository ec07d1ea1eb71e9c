// What the doctor found, for people and programs.
import { formatQuantity } from '../../../domain/text/format-count.ts';
import { CHECKS, type Diagnosis } from '../../../review/doctor/diagnose.ts';
import type { Finding } from '../../../review/findings.ts';
import type { Terminal } from '../../terminal.ts';
import type { Report } from '../report.ts';

export function doctorReport(diagnosis: Diagnosis, terminal: Terminal): Report {
  const { cases } = diagnosis;
  return { tool: 'doctor', cases, json: jsonOf(diagnosis), text: () => print(diagnosis, terminal) };
}

function jsonOf({ cases, notSeen }: Diagnosis): unknown {
  return {
    findings: cases.flatMap(({ name, findings }) => findings.map((finding) => ({ check: name, ...finding }))),
    notSeen,
  };
}

function print({ cases, notSeen }: Diagnosis, terminal: Terminal): void {
  for (const { name, findings } of cases) {
    if (findings.length === 0) continue;
    const consequence = CHECKS.find(({ id }) => id === name)?.consequence ?? '';
    terminal.print(`${terminal.styled('bold', name)}: ${consequence}`);
    for (const finding of findings) printFinding(finding, terminal);
    terminal.print('');
  }
  for (const { why, checks } of notSeen) terminal.print(`not looked at (${checks.join(', ')}): ${why}`);
  if (notSeen.length > 0) terminal.print('');
  terminal.print(summaryOf(cases, new Set(notSeen.flatMap(({ checks }) => checks)).size));
}

function printFinding({ severity, subject = '', message }: Finding, terminal: Terminal): void {
  const [wrong = '', fix = ''] = message.split('. Fix: ');
  terminal.print(`  ${severity}: ${subject} ${wrong}`);
  terminal.print(`    fix: ${fix}`);
}

/** Nothing found is good news only where everything was looked at. @param unseen checks that saw not all or nothing. */
function summaryOf(cases: Diagnosis['cases'], unseen: number): string {
  const found = cases.flatMap(({ findings }) => findings);
  const errors = found.filter(({ severity }) => severity === 'error').length;
  const others = found.length - errors;
  const made = unseen === 0 ? '' : `, ${unseen} of them not or only in part`;
  if (found.length === 0) return `${formatQuantity(cases.length, 'check')}${made}, nothing found.`;
  const warnings = others === 0 ? '' : ` and ${formatQuantity(others, 'warning')}`;
  return `${formatQuantity(cases.length, 'check')}${made}: ${formatQuantity(errors, 'error')}${warnings}.`;
}
