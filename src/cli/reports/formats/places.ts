// Places as pipelines know them: relative to where the command runs, which is the top of the repository.
import { createHash } from 'node:crypto';
import path from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Finding } from '../../../review/findings.ts';

/** @returns the file as a path below the working directory where it is one; otherwise as it was given. */
export function relativePlace(place: string): string {
  const relative = path.relative('', place);
  return relative === '' || relative.startsWith('..') || path.isAbsolute(relative) ? place : relative;
}

/** @returns an RFC 3986 reference: relative below the working directory, a `file:` URI elsewhere. */
export function uriOf(place: string): string {
  const relative = relativePlace(place);
  if (path.isAbsolute(relative) || relative.startsWith('..')) return pathToFileURL(relative).href;
  return relative.toWellFormed().split(path.sep).map(encodeURIComponent).join('/');
}

/**
 * Identifies findings from one run to the next. Lines are left out: a finding stays the same one when
 * somebody adds a line above it. What would be the same twice is counted.
 * @returns 32 hex digits for each finding, in order.
 */
export function fingerprintsOf(findings: readonly Finding[]): readonly string[] {
  const met = new Map<string, number>();
  return findings.map(({ id, message, position, subject }) => {
    const what = JSON.stringify([id, position && relativePlace(position.place), subject, message]);
    const before = met.get(what) ?? 0;
    met.set(what, before + 1);
    return createHash('sha256').update(`${what}${before}`).digest('hex').slice(0, 32);
  });
}
