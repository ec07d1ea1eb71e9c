// Limits in words, in the spelling of policy documents, for whoever compares two of them.
import type { TtlLimit } from './bounds.ts';
import type { NamespaceSelector, OnRenew } from './documents.ts';
import type { NameLimit, NamePattern } from './names.ts';
import { labelsInWords } from './sight.ts';

const UNITS: readonly (readonly [unit: string, ms: number])[] = [
  ['d', 86_400_000],
  ['h', 3_600_000],
  ['m', 60_000],
];

/** As parseDuration reads it, in the largest unit that fits without a rest, but hours up to two days. */
export function durationInWords(ms: number): string {
  if (ms === Infinity) return 'any';
  const [unit, size] = UNITS.find(([name, unitMs]) => ms >= (name === 'd' ? 2 : 1) * unitMs && ms % unitMs === 0) ?? [
    's',
    1_000,
  ];
  return `${ms / size}${unit}`;
}

export function patternsInWords(patterns: readonly NamePattern[] | undefined): string {
  if (patterns === undefined) return 'any';
  return patterns.length === 0 ? 'none' : patterns.join(' ');
}

export function namesInWords(limit: NameLimit): string {
  return limit.length === 0 ? 'any' : limit.map(patternsInWords).join(', and of ');
}

export function listInWords(items: readonly string[] | undefined): string {
  return patternsInWords(items);
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

export function ttlInWords({ minMs, maxMs }: Pick<TtlLimit, 'minMs' | 'maxMs'>): string {
  return `${durationInWords(minMs)} to ${durationInWords(maxMs)}`;
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
