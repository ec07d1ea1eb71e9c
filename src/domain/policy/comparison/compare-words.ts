// Limits in words, in the spelling of policy documents, for whoever compares two of them.
import { durationInWords } from '../../text/duration.ts';
import type { Labels, NamespaceSelector, OnRenew } from '../documents.ts';
import type { NameLimit, NamePattern } from '../names.ts';
import { labelsInWords } from '../evaluation/sight.ts';

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
