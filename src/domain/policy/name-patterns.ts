// Names as policies write them: no regular expressions, so that none can be made to run for long.

import { compareText } from '../text/compare-text.ts';

/** `*`, an exact name, `prefix*` or `*suffix`. */
export type NamePattern = string;

/**
 * A limit on names as a conjunction: a name passes when every set in it has a pattern for the name.
 * No set at all is no limit; an empty set lets nothing pass. Canonical: sorted, nothing twice, so that
 * combining limits is associative, commutative and idempotent to the byte.
 */
export type NameLimit = readonly (readonly NamePattern[])[];

export const ANY_NAME: NameLimit = [];
export const NO_NAME: NameLimit = [[]];

export function matchesPattern(pattern: NamePattern, name: string): boolean {
  if (pattern.endsWith('*')) return name.startsWith(pattern.slice(0, -1));
  if (pattern.startsWith('*')) return name.endsWith(pattern.slice(1));
  return pattern === name;
}

export function matchesAny(patterns: readonly NamePattern[], name: string): boolean {
  return patterns.some((pattern) => matchesPattern(pattern, name));
}

/** Whether every name of `inner` is a name of `outer`. */
export function covers(outer: NamePattern, inner: NamePattern): boolean {
  if (outer === '*' || outer === inner) return true;
  if (inner === '*') return false;
  if (outer.endsWith('*')) return !inner.startsWith('*') && inner.startsWith(outer.slice(0, -1));
  return outer.startsWith('*') && !inner.endsWith('*') && inner.endsWith(outer.slice(1));
}

/** A limit of one set. */
export function nameLimit(patterns: readonly NamePattern[]): NameLimit {
  return [sorted(patterns)];
}

/** Names that pass both. */
export function meetNames(a: NameLimit, b: NameLimit): NameLimit {
  if (a.length === 0 || a === b) return b;
  if (b.length === 0) return a;
  const sets = new Map([...a, ...b].map((set) => [JSON.stringify(set), set]));
  return [...sets].sort(([one], [other]) => compareText(one, other)).map(([, set]) => set);
}

export function admits(limit: NameLimit, name: string): boolean {
  return limit.every((set) => matchesAny(set, name));
}

function sorted(names: readonly string[]): readonly string[] {
  return [...new Set(names)].sort(compareText);
}
