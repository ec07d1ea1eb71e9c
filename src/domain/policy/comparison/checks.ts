// What two conditions check, compared part by part. Each part only makes it harder to hold, so that one that
// demands more is narrower. Expressions are compared as they are written.
import { ABSENT_FIELD, directionOf, PRESENT_FIELD, type Change } from './direction.ts';
import { coversLabels, coversPatterns } from './limits.ts';
import { labelsOrNone, formatPatterns, yesOrNo } from './formats.ts';
import type { ConditionCheck } from '../condition.ts';

/** @param at where the condition stands in its document. */
export function compareChecks(at: string, before: ConditionCheck, after: ConditionCheck): readonly Change[] {
  const parts = partsOf(before, after);
  if (parts !== undefined) return parts.map((part) => ({ ...part, field: `${at}.${before.kind}${part.field}` }));
  return [
    { field: `${at}.${before.kind}`, before: PRESENT_FIELD, after: ABSENT_FIELD, direction: 'changed' },
    { field: `${at}.${after.kind}`, before: ABSENT_FIELD, after: PRESENT_FIELD, direction: 'changed' },
  ];
}

/** @returns nothing when they are of different kinds: neither says anything of the other. */
function partsOf(before: ConditionCheck, after: ConditionCheck): readonly Change[] | undefined {
  if (before.kind === 'exists' && after.kind === 'exists') {
    return [
      spelled('.kind', before.objectKind, after.objectKind),
      spelled('.inNamespace', place(before), place(after)),
      optional('.apiVersion', before.apiVersion, after.apiVersion),
      part('.names', before.names, after.names, formatPatterns, coversPatterns),
      part('.selectsPod', before.selectsPod, after.selectsPod, yesOrNo, (outer, inner) => !outer || inner),
      part('.labels', before.labels, after.labels, labelsOrNone, coversLabels),
      optional('.where', before.where?.source, after.where?.source),
    ];
  }
  if (before.kind === 'matches' && after.kind === 'matches') {
    return [
      spelled('.object', before.target, after.target),
      part('.labels', before.labels, after.labels, labelsOrNone, coversLabels),
      part('.annotations', before.annotations, after.annotations, labelsOrNone, coversLabels),
      optional('.where', before.where?.source, after.where?.source),
    ];
  }
  if (before.kind === 'claim' && after.kind === 'claim') {
    return [
      spelled('.name', before.claim, after.claim),
      part('.in', before.in, after.in, formatPatterns, coversPatterns),
    ];
  }
  return before.kind === 'expression' && after.kind === 'expression'
    ? [spelled('', before.expression.source, after.expression.source)]
    : undefined;
}

function part<Value>(
  field: string,
  before: Value,
  after: Value,
  format: (value: Value) => string,
  covers: (outer: Value, inner: Value) => boolean,
): Change {
  return { field, before: format(before), after: format(after), direction: directionOf(before, after, covers) };
}

/** Another value is neither more nor less. */
function spelled(field: string, before: string, after: string): Change {
  return part(field, before, after, String, (outer, inner) => outer === inner);
}

/** Absent demands nothing. */
function optional(field: string, before: string | undefined, after: string | undefined): Change {
  const covers = (outer: string, inner: string): boolean => outer === ABSENT_FIELD || outer === inner;
  return part(field, before ?? ABSENT_FIELD, after ?? ABSENT_FIELD, String, covers);
}

function place({ inNamespace }: Extract<ConditionCheck, { kind: 'exists' }>): string {
  return inNamespace.in === 'named' ? `namespace ${inNamespace.namespace}` : inNamespace.in;
}
