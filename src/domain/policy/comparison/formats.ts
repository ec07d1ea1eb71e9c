// Limits in words, in the spelling of policy documents, for a comparison of two of them.
import { formatDuration } from '../../text/duration.ts';
import type { Labels, NamespaceSelector, OnRenew } from '../documents.ts';
import type { NameLimit, NamePattern } from '../name-patterns.ts';
import { formatLabels } from '../evaluation/snapshot-reader.ts';

export function formatPatterns(patterns: readonly NamePattern[] | undefined): string {
  if (patterns === undefined) return 'any';
  return patterns.length === 0 ? 'none' : patterns.join(' ');
}

export function labelsOrNone(labels: Labels | undefined): string {
  return formatLabels(labels ?? {});
}

export function formatNames(limit: NameLimit): string {
  return limit.length === 0 ? 'any' : limit.map(formatPatterns).join(', and of ');
}

export function formatOnRenew(onRenew: OnRenew): string {
  if (onRenew.kind !== 'grace') return onRenew.kind;
  return `grace ${onRenew.graceMs === undefined ? 'of one lifetime' : formatDuration(onRenew.graceMs)}`;
}

export function formatSelector({ names, labels }: NamespaceSelector): string {
  return (
    [
      ...(names === undefined ? [] : [formatPatterns(names)]),
      ...(labels === undefined ? [] : [`labels ${formatLabels(labels)}`]),
    ].join(' with ') || 'any'
  );
}

export function formatTime(ms: number): string {
  if (ms === Infinity) return 'never';
  return ms === 0 ? 'always' : new Date(ms).toISOString();
}

export function yesOrNo(value: boolean): string {
  return value ? 'true' : 'false';
}

export function formatQuota(perMinute: number): string {
  return perMinute === Infinity ? 'any' : String(perMinute);
}
