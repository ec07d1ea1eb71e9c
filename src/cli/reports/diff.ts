// A change of policies for people and programs: what changed, by document.
import type { Direction, FieldDifference } from '../../domain/policy/comparison/differences.ts';
import { diffCases, type PolicyDiff } from '../../review/diff/diff-policies.ts';
import type { Severity } from '../../review/findings.ts';
import type { Style, Terminal } from '../terminal.ts';
import type { Report } from './report.ts';

const STYLES: Readonly<Record<Direction, Style>> = {
  widened: 'red',
  changed: 'yellow',
  narrowed: 'green',
  neutral: 'dim',
  unchanged: 'dim',
};

/** @param widening how severe it is that somebody may have more. */
export function diffReport(diff: PolicyDiff, widening: Severity, terminal: Terminal): Report {
  return {
    tool: 'policy diff',
    cases: diffCases(diff, widening),
    json: { counts: diff.counts, differences: changedIn(diff.differences) },
    text: () => printDiff(diff, terminal),
  };
}

function changedIn(differences: readonly FieldDifference[]): readonly FieldDifference[] {
  return differences.filter(({ direction }) => direction !== 'unchanged');
}

/** What changed, by document; then how many fields went which way. */
function printDiff({ differences, counts }: PolicyDiff, terminal: Terminal): void {
  const changed = changedIn(differences);
  const widest = Math.max(0, ...changed.map(({ field }) => nameOf(field).length));
  for (const [document, fields] of Map.groupBy(changed, (difference) => difference.document)) {
    terminal.print(terminal.styled('bold', document));
    for (const { field, before, after, direction } of fields) {
      const way = terminal.styled(STYLES[direction], direction.padEnd('narrowed'.length));
      terminal.print(`  ${way}  ${nameOf(field).padEnd(widest)}  ${before} -> ${after}`);
    }
  }
  terminal.print(formatCounts(counts));
}

/** What did not happen is left out. */
function formatCounts({ changed, unchanged, ...counts }: PolicyDiff['counts']): string {
  const words = Object.entries({ ...counts, 'not comparable': changed })
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${count} ${name}`);
  return [...(words.length === 0 ? ['nothing changed'] : words), `${unchanged} unchanged`].join(', ');
}

function nameOf(field: string): string {
  return field === '' ? '(all of it)' : field;
}
