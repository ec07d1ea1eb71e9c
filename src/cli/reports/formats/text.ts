// Findings for a person: one line each, with the place first, which terminals turn into a link.
import { formatQuantity } from '../../../domain/text/format-count.ts';
import { formatPosition } from '../../../domain/text/position.ts';
import type { Style, Terminal } from '../../terminal.ts';
import { SEVERITIES, type Finding, type Severity } from '../../../review/findings.ts';

const STYLES = { error: 'red', warning: 'yellow', note: 'dim' } as const satisfies Record<Severity, Style>;

/** `file:line:column: error: message [id]`, in the order given. */
export function printFindings(findings: readonly Finding[], terminal: Terminal): void {
  for (const { id, severity, message, position, subject } of findings) {
    const where = position === undefined ? '' : `${terminal.styled('bold', formatPosition(position))}: `;
    const about = subject === undefined ? '' : `${subject}: `;
    terminal.print(
      `${where}${terminal.styled(STYLES[severity], severity)}: ${about}${message} ${terminal.styled('dim', `[${id}]`)}`,
    );
  }
}

/** `2 errors, 1 warning`, or `no findings`. */
export function formatSeverities(findings: readonly Finding[]): string {
  const counts = SEVERITIES.flatMap((severity) => {
    const count = findings.filter((finding) => finding.severity === severity).length;
    return count === 0 ? [] : [formatQuantity(count, severity)];
  });
  return counts.length === 0 ? 'no findings' : counts.join(', ');
}
