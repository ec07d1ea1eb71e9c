// Limits that only show when all voices are taken together: two policies may each leave something, and
// nothing may be left of both. The voice that takes the last of it is named.
import { USAGES, usableForTls, type Usage } from '../x509/usage.ts';
import { meet, UNBOUNDED, type Bounds } from './bounds.ts';
import { clauseOf, secondsInWords } from './check-bounds.ts';
import type { FailedClause } from './decision.ts';
import type { Voice } from './voice.ts';

export interface CombinedLimits {
  readonly bounds: Bounds;
  readonly failed: readonly FailedClause[];
}

/** @param voices in their fixed order, all of one mode. */
export function combine(voices: readonly Voice[]): CombinedLimits {
  let bounds = UNBOUNDED;
  const failed: FailedClause[] = [];
  for (const voice of voices) {
    const next = meet(bounds, voice.bounds);
    if (usable(bounds.usages) && !usable(next.usages)) failed.push(uselessClause(voice, next.usages ?? []));
    if (!emptyLifetime(bounds) && emptyLifetime(next)) failed.push(lifetimeClause(voice, next));
    bounds = next;
  }
  return { bounds, failed };
}

function usable(usages: readonly Usage[] | undefined): boolean {
  return usages === undefined || usableForTls(usages);
}

function emptyLifetime({ ttl }: Bounds): boolean {
  return ttl.minMs > ttl.maxMs;
}

function uselessClause(voice: Voice, left: readonly Usage[]): FailedClause {
  return clauseOf(voice, {
    reason: 'CAP-P07',
    field: `${voice.at.bounds}.usages`,
    actual: left.length === 0 ? 'none' : left.join(' '),
    allowed: `digitalSignature with serverAuth or clientAuth, of ${USAGES.join(' ')}`,
    change: 'let all policies share a usage',
  });
}

function lifetimeClause(voice: Voice, { ttl }: Bounds): FailedClause {
  return clauseOf(voice, {
    reason: 'CAP-P05',
    field: `${voice.at.bounds}.ttl`,
    actual: `at least ${secondsInWords(ttl.minMs)} and at most ${secondsInWords(ttl.maxMs)}`,
    allowed: 'an interval that is not empty',
    change: 'let all policies share a lifetime',
  });
}
