// The difference between two sets of policies as findings, and in words.
import type { ParsedDocument } from '../../adapters/policy/source/parse-documents.ts';
import { mayWiden, type Direction, type FieldDifference } from '../../domain/policy/comparison/differences.ts';
import type { Style, Terminal } from '../terminal.ts';
import { findingAt } from '../../review/finding-places.ts';
import type { Finding } from '../../review/findings.ts';

const STYLES: Readonly<Record<Direction, Style>> = {
  widened: 'red',
  changed: 'yellow',
  narrowed: 'green',
  neutral: 'dim',
  unchanged: 'dim',
};

/**
 * @param written the documents after the change, by what differences call them: what widens is told there.
 * @param level of what may widen; the rest is no finding.
 */
export function diffFindings(
  differences: readonly FieldDifference[],
  written: ReadonlyMap<string, ParsedDocument>,
  level: Finding['level'],
): readonly Finding[] {
  return differences.filter(mayWiden).map((difference) => {
    const { document: title, field, before, after: now, direction } = difference;
    const words = direction === 'widened' ? 'is wider than before' : 'cannot be compared with what it was';
    const message = `${title} ${field === '' ? '' : `${field} `}${words}: ${before} -> ${now}`;
    const place = written.get(title);
    const finding = { id: 'policy/widened', level, message };
    return place === undefined ? finding : findingAt(place, field, finding);
  });
}

/** A bundle that changed must count on: servers that had the old one refuse it otherwise. */
export function sequenceFindings(
  differences: readonly FieldDifference[],
  written: ReadonlyMap<string, ParsedDocument>,
): readonly Finding[] {
  const changed = differences.filter(({ direction }) => direction !== 'unchanged');
  const sequence = differences.find(({ field }) => field === 'metadata.sequence');
  const place = written.get(changed[0]?.document ?? '');
  if (sequence === undefined || place === undefined || Number(sequence.after) > Number(sequence.before)) return [];
  const message = `${place.document.name} metadata.sequence is ${sequence.after} after ${sequence.before}: a server that had the old one refuses the new`;
  return [findingAt(place, 'metadata.sequence', { id: 'policy/sequence', level: 'error', message })];
}

/** What changed, by document; then how many fields went which way. */
export function printDifferences(differences: readonly FieldDifference[], terminal: Terminal): void {
  const changed = differences.filter(({ direction }) => direction !== 'unchanged');
  const widest = Math.max(0, ...changed.map(({ field }) => nameOf(field).length));
  for (const [document, fields] of Map.groupBy(changed, (difference) => difference.document)) {
    terminal.print(terminal.styled('bold', document));
    for (const { field, before, after, direction } of fields) {
      const way = terminal.styled(STYLES[direction], direction.padEnd('narrowed'.length));
      terminal.print(`  ${way}  ${nameOf(field).padEnd(widest)}  ${before} -> ${after}`);
    }
  }
  terminal.print(formatCounts(differences));
}

export function countsOf(differences: readonly FieldDifference[]): Readonly<Record<Direction, number>> {
  const count = (way: Direction): number => differences.filter(({ direction }) => direction === way).length;
  return {
    widened: count('widened'),
    changed: count('changed'),
    narrowed: count('narrowed'),
    neutral: count('neutral'),
    unchanged: count('unchanged'),
  };
}

/** What did not happen is left out. */
function formatCounts(differences: readonly FieldDifference[]): string {
  const { changed, unchanged, ...counts } = countsOf(differences);
  const words = Object.entries({ ...counts, 'not comparable': changed })
    .filter(([, count]) => count > 0)
    .map(([name, count]) => `${count} ${name}`);
  return [...(words.length === 0 ? ['nothing changed'] : words), `${unchanged} unchanged`].join(', ');
}

function nameOf(field: string): string {
  return field === '' ? '(all of it)' : field;
}
