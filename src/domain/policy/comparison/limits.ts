// Whether one limit allows all that another allows, and whether two leave anything between them. Sound
// for what it is used for: `covers…` may miss a cover, and `share…` may see a name that nobody has.
import { USAGES, type Usage } from '../../x509/usage.ts';
import type { KeyLimit, KeyType } from '../bounds.ts';
import type { Labels } from '../documents.ts';
import type { PodSelector } from '../subject-pods.ts';
import { covers, matchesPattern, type NameLimit, type NamePattern } from '../name-patterns.ts';
import { compareText } from '../../text/compare-text.ts';

/** Whether every name of `inner` is a name of `outer`. Absent is any name. */
export function coversPatterns(
  outer: readonly NamePattern[] | undefined,
  inner: readonly NamePattern[] | undefined,
): boolean {
  if (outer === undefined) return true;
  return (inner ?? ['*']).every((pattern) => outer.some((wider) => covers(wider, pattern)));
}

export function coversNames(outer: NameLimit, inner: NameLimit): boolean {
  const sets = inner.length === 0 ? [['*']] : inner;
  return outer.every((wide) => sets.some((set) => coversPatterns(wide, set)));
}

export function coversKeys(outer: KeyLimit | undefined, inner: KeyLimit | undefined): boolean {
  if (outer === undefined) return true;
  if (inner === undefined) return false;
  return Object.entries(inner).every(([type, bits]) => (outer[type as KeyType] ?? Infinity) <= bits);
}

export function coversUsages(outer: readonly Usage[] | undefined, inner: readonly Usage[] | undefined): boolean {
  return outer === undefined || (inner ?? USAGES).every((usage) => outer.includes(usage));
}

/** Whether what has the labels `inner` has the labels `outer` too. */
export function coversLabels(outer: Labels = {}, inner: Labels = {}): boolean {
  return Object.entries(outer).every(([name, value]) => inner[name] === value);
}

/** Absent is any pod, and who is none. */
export function coversPods(outer: PodSelector | undefined, inner: PodSelector | undefined): boolean {
  if (outer === undefined) return true;
  if (inner === undefined) return false;
  const named = Object.entries(outer.labels ?? {}).every(([name, value]) => {
    const narrow = inner.labels?.[name];
    return narrow !== undefined && (value === '*' || value === narrow);
  });
  return (
    named && (outer.images === undefined || inner.images?.every((image) => outer.images?.includes(image)) === true)
  );
}

export function sharePods(a: PodSelector = {}, b: PodSelector = {}): boolean {
  const labelled = Object.entries(a.labels ?? {}).every(([name, value]) => {
    const other = b.labels?.[name] ?? '*';
    return value === '*' || other === '*' || value === other;
  });
  const { images } = a;
  return labelled && (images === undefined || b.images?.some((image) => images.includes(image)) !== false);
}

/** Whether some name matches both. */
export function sharePattern(a: NamePattern, b: NamePattern): boolean {
  if (!a.includes('*')) return matchesPattern(b, a);
  if (!b.includes('*')) return matchesPattern(a, b);
  // A beginning and an end never exclude each other: written one after the other they are a name.
  if (a.endsWith('*') !== b.endsWith('*')) return true;
  return covers(a, b) || covers(b, a);
}

/** Absent is any name. */
export function sharePatterns(
  a: readonly NamePattern[] | undefined = ['*'],
  b: readonly NamePattern[] | undefined = ['*'],
): boolean {
  return a.some((one) => b.some((other) => sharePattern(one, other)));
}

export function shareLabels(a: Labels = {}, b: Labels = {}): boolean {
  return Object.entries(a).every(([name, value]) => (b[name] ?? value) === value);
}

/** Most combinations of patterns that are followed; beyond that a limit counts as one that names can pass. */
const MAX_COMBINATIONS = 10_000;

/**
 * Whether no name passes. Patterns have a name in common when each two of them do, so it is enough to
 * find one pattern of each set such that all agree in pairs.
 */
export function admitsNobody(limit: NameLimit): boolean {
  let chosen: readonly (readonly NamePattern[])[] = [[]];
  for (const set of [...limit].sort((a, b) => a.length - b.length)) {
    if (chosen.length * set.length > MAX_COMBINATIONS) return false;
    chosen = chosen.flatMap((before) => set.flatMap((pattern) => agreed(before, pattern)));
    if (chosen.length === 0) return true;
  }
  return false;
}

/** Only the patterns that say something new, so that the same choice is not followed twice. */
function agreed(before: readonly NamePattern[], pattern: NamePattern): readonly (readonly NamePattern[])[] {
  if (!before.every((other) => sharePattern(other, pattern))) return [];
  if (before.some((other) => covers(pattern, other))) return [before];
  return [[...before.filter((other) => !covers(other, pattern) || other === pattern), pattern].sort(compareText)];
}
