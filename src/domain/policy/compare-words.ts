// Limits in words, in the spelling of policy documents, for whoever compares two of them.
import type { Labels, NamespaceSelector, OnRenew } from './documents.ts';
import type { NameLimit, NamePattern } from './names.ts';
import { labelsInWords } from './sight.ts';

const UNITS: readonly (readonly [unit: string, ms: number, leastMs: number])[] = [
  ['d', 86_400_000, 7 * 86_400_000],
  ['h', 3_600_000, 3_600_000],
  ['m', 60_000, 60_000],
];

/** As parseDuration reads it, in the largest unit of which it is a whole number; days only from a week on. */
export function durationInWords(ms: number): string {
  if (ms === Infinity) return 'any';
  const [unit, size] = UNITS.find(([, unitMs, leastMs]) => ms >= leastMs && ms % unitMs === 0) ?? ['s', 1_000];
  return `${ms / size}${unit}`;
}

export function patternsInWords(patterns: readonly NamePattern[] | undefined): string {
  if (patterns === undefined) return 'any';
  return patterns.length === 0 ? 'none' : patterns.join(' ');
}

export function labelsOrNone(labels: Labels | undefined): string {
  return labelsInWords(labels ?? {});
}

export function namesInWords(limit: NameLimit): string {
  return limit.length === 0 ? 'any' : limit.map(patternsInWords).join(', and of ');
}

export function onRenewInWords(onRenew: OnRenew): string {
  if (onRenew.kind !== 'grace') return onRenew.kind;
  return `grace ${onRenew.graceMs === undefined ? 'of one lifetime' : durationInWords(onRenew.graceMs)}`;
}

export function selectorInWords({ names, labels }: NamespaceSelector): string {
  return (
    [
      ...(names === undefined ? [] : [patternsInWords(names)]),
      ...(labels === undefined ? [] : [`labels ${labelsInWords(labels)}`]),
    ].join(' with ') || 'any'
  );
}

export function timeInWords(ms: number): string {
  if (ms === Infinity) return 'never';
  return ms === 0 ? 'always' : new Date(ms).toISOString();
}

export function yesOrNo(value: boolean): string {
  return value ? 'true' : 'false';
}

export function quotaInWords(perMinute: number): string {
  return perMinute === Infinity ? 'any' : String(perMinute);
}
