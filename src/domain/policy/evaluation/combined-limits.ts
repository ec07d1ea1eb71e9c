// Limits that only show when all voices are taken together: two policies may each leave something, and
// nothing may be left of both. The voice that takes the last of it is named.
import { formatDuration } from '../../text/duration.ts';
import { USAGES, usableForSvid, type Usage } from '../../x509/usage.ts';
import { meet, meetTtl, UNBOUNDED, type Bounds, type TtlLimit } from '../bounds.ts';
import { clauseOf } from './check-bounds.ts';
import type { FailedClause } from '../policy-decision.ts';
import type { Voice } from './statement.ts';

export interface CombinedLimits {
  readonly bounds: Bounds;
  readonly failed: readonly FailedClause[];
}

/**
 * @param voices in their fixed order, all of them enforced.
 * @param usages what is left before any of them speaks; see `softenedUsages`.
 */
export function combine(voices: readonly Voice[], usages?: readonly Usage[]): CombinedLimits {
  const bounds = usages === undefined ? UNBOUNDED : { ...UNBOUNDED, usages };
  return voices.reduce(joined, { bounds, failed: [] });
}

/**
 * Rules of an audited namespace refuse nobody there, but what they give they give for no other use than they say,
 * unless they leave none between them. Asked before any other voice, so that no local policy can change the answer.
 */
export function softenedUsages(voices: readonly Voice[]): readonly Usage[] | undefined {
  const giving = softened(voices);
  if (giving.length === 0) return undefined;
  const { usages } = giving.reduce((bounds, voice) => meet(bounds, voice.bounds), UNBOUNDED);
  return usable(usages) ? usages : undefined;
}

function joined({ bounds, failed }: CombinedLimits, voice: Voice): CombinedLimits {
  const next = meet(bounds, voice.bounds);
  const more: FailedClause[] = [];
  if (usable(bounds.usages) && !usable(next.usages)) more.push(uselessClause(voice, next.usages ?? []));
  if (!emptyLifetime(bounds) && emptyLifetime(next)) more.push(lifetimeClause(voice, next));
  return { bounds: next, failed: more.length === 0 ? failed : [...failed, ...more] };
}

/** What would fail if this voice were enforced beside those that are. */
export function auditLimits(enforced: CombinedLimits, voice: Voice): readonly FailedClause[] {
  return joined({ bounds: enforced.bounds, failed: [] }, voice).failed;
}

/**
 * The lifetime that is granted. Rules of an audited namespace refuse nobody there, but what they give they give
 * for no longer than they say; a least that no maximum reaches is only told.
 */
export function grantedTtl(enforced: CombinedLimits, voices: readonly Voice[]): TtlLimit {
  return softened(voices).reduce((ttl, { bounds }) => meetTtl(ttl, bounds.ttl), enforced.bounds.ttl);
}

/** Rules that give an identity in an audited namespace. */
function softened(voices: readonly Voice[]): readonly Voice[] {
  return voices.filter(({ mode, grants }) => mode === 'audit' && grants);
}

function usable(usages: readonly Usage[] | undefined): boolean {
  return usages === undefined || usableForSvid(usages);
}

function emptyLifetime({ ttl }: Bounds): boolean {
  return ttl.minMs > ttl.maxMs;
}

function uselessClause(voice: Voice, left: readonly Usage[]): FailedClause {
  return clauseOf(voice, {
    reason: 'CAP-P07',
    field: `${voice.at.bounds}.usages`,
    actual: left.length === 0 ? 'none' : left.join(' '),
    allowed: `digitalSignature with serverAuth and clientAuth, of ${USAGES.join(' ')}`,
    change: 'let all policies leave digitalSignature, serverAuth and clientAuth',
  });
}

function lifetimeClause(voice: Voice, { ttl }: Bounds): FailedClause {
  return clauseOf(voice, {
    reason: 'CAP-P05',
    field: `${voice.at.bounds}.ttl`,
    actual: `at least ${formatDuration(ttl.minMs)} and at most ${formatDuration(ttl.maxMs)}`,
    allowed: 'an interval that is not empty',
    change: 'let all policies share a lifetime',
  });
}
