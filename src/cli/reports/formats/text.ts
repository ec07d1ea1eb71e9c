// Findings for a person: one line each, with the place first, which terminals turn into a link.
import { formatPosition } from '../../../domain/text/position.ts';
import type { Style, Terminal } from '../../terminal.ts';
import type { Finding } from '../../../review/findings.ts';

const STYLES = { error: 'red', warning: 'yellow', note: 'dim' } as const satisfies Record<Finding['level'], Style>;

/** `file:line:column: error: message [id]`, in the order given. */
export function printFindings(findings: readonly Finding[], terminal: Terminal): void {
  for (const { id, level, message, position, subject } of findings) {
    const where = position === undefined ? '' : `${terminal.styled('bold', formatPosition(position))}: `;
    const about = subject === undefined ? '' : `${subject}: `;
    terminal.print(
      `${where}${terminal.styled(STYLES[level], level)}: ${about}${message} ${terminal.styled('dim', `[${id}]`)}`,
    );
  }
}

/** `2 errors, 1 warning`, or `no findings`. */
export function formatCount(findings: readonly Finding[]): string {
  const counts = (['error', 'warning', 'note'] as const).flatMap((level) => {
    const count = findings.filter((finding) => finding.level === level).length;
    return count === 0 ? [] : [`${count} ${level}${count === 1 ? '' : 's'}`];
  });
  return counts.length === 0 ? 'no findings' : counts.join(', ');
}
