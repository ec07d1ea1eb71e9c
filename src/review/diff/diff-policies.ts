// What a change of policies does, field by field, before it is merged.
import type { ParsedDocument } from '../../adapters/policy/source/parse-documents.ts';
import {
  differences,
  mayWiden,
  titleOf,
  type Direction,
  type FieldDifference,
} from '../../domain/policy/comparison/differences.ts';
import { findingAt } from '../sources/finding-places.ts';
import type { Finding, ReviewedCase, Severity } from '../findings.ts';

export interface PolicyDiff {
  /** Of every field, changed or not. */
  readonly differences: readonly FieldDifference[];
  readonly counts: Readonly<Record<Direction, number>>;
  /** The documents after the change, by what differences call them. */
  readonly written: ReadonlyMap<string, ParsedDocument>;
}

export function diffPolicies(before: readonly ParsedDocument[], after: readonly ParsedDocument[]): PolicyDiff {
  const found = differences(
    before.map(({ document }) => document),
    after.map(({ document }) => document),
  );
  const written = new Map(after.map((each) => [titleOf(each.document), each]));
  return { differences: found, counts: countsOf(found), written };
}

/**
 * @param severity of what may widen; the rest is no finding.
 * @returns a case for each document.
 */
export function diffCases({ differences: found, written }: PolicyDiff, severity: Severity): readonly ReviewedCase[] {
  return [...Map.groupBy(found, ({ document }) => document)].map(([name, fields]) => ({
    name,
    findings: [...wideningFindings(fields, written, severity), ...sequenceFindings(fields, written)],
  }));
}

function wideningFindings(
  fields: readonly FieldDifference[],
  written: PolicyDiff['written'],
  severity: Severity,
): readonly Finding[] {
  return fields.filter(mayWiden).map((difference) => {
    const { document: title, field, before, after: now, direction } = difference;
    const words = direction === 'widened' ? 'is wider than before' : 'cannot be compared with what it was';
    const message = `${title} ${field === '' ? '' : `${field} `}${words}: ${before} -> ${now}`;
    const place = written.get(title);
    const finding = { id: 'policy/widened', severity, message };
    return place === undefined ? finding : findingAt(place, field, finding);
  });
}

/** A bundle that changed must count on: servers that had the old one refuse it otherwise. */
function sequenceFindings(fields: readonly FieldDifference[], written: PolicyDiff['written']): readonly Finding[] {
  const changed = fields.filter(({ direction }) => direction !== 'unchanged');
  const sequence = fields.find(({ field }) => field === 'metadata.sequence');
  const place = written.get(changed[0]?.document ?? '');
  if (sequence === undefined || place === undefined || Number(sequence.after) > Number(sequence.before)) return [];
  const message = `${place.document.name} metadata.sequence is ${sequence.after} after ${sequence.before}: a server that had the old one refuses the new`;
  return [findingAt(place, 'metadata.sequence', { id: 'policy/sequence', severity: 'error', message })];
}

function countsOf(found: readonly FieldDifference[]): PolicyDiff['counts'] {
  const count = (way: Direction): number => found.filter(({ direction }) => direction === way).length;
  return {
    widened: count('widened'),
    changed: count('changed'),
    narrowed: count('narrowed'),
    neutral: count('neutral'),
    unchanged: count('unchanged'),
  };
}
