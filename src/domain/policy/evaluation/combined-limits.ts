// Limits that only show when all statements are taken together: two policies may each leave something, and
// nothing may be left of both. The statement that takes the last of it is named.
import { formatDuration } from '../../text/duration.ts';
import { USAGES, usableForSvid, type Usage } from '../../x509/usage.ts';
import { meet, meetTtl, UNBOUNDED, type Bounds, type TtlLimit } from '../bounds.ts';
import { clauseOf } from './check-bounds.ts';
import type { FailedClause } from '../policy-decision.ts';
import type { PolicyStatement } from './statement.ts';

export interface CombinedLimits {
  readonly bounds: Bounds;
  readonly failed: readonly FailedClause[];
}

/**
 * @param statements in their fixed order, all of them enforced.
 * @param usages what is left before any of them is applied; see `auditedUsages`.
 */
export function combine(statements: readonly PolicyStatement[], usages?: readonly Usage[]): CombinedLimits {
  const bounds = usages === undefined ? UNBOUNDED : { ...UNBOUNDED, usages };
  return statements.reduce(joined, { bounds, failed: [] });
}

/**
 * Rules of an audited namespace refuse nobody there, but what they give they give for no other use than they say,
 * unless they leave none between them. Asked before any other statement, so that no local policy can change the answer.
 */
export function auditedUsages(statements: readonly PolicyStatement[]): readonly Usage[] | undefined {
  const giving = auditedGrants(statements);
  if (giving.length === 0) return undefined;
  const { usages } = giving.reduce((bounds, statement) => meet(bounds, statement.bounds), UNBOUNDED);
  return usable(usages) ? usages : undefined;
}

function joined({ bounds, failed }: CombinedLimits, statement: PolicyStatement): CombinedLimits {
  const next = meet(bounds, statement.bounds);
  const more: FailedClause[] = [];
  if (usable(bounds.usages) && !usable(next.usages)) more.push(uselessClause(statement, next.usages ?? []));
  if (!emptyLifetime(bounds) && emptyLifetime(next)) more.push(lifetimeClause(statement, next));
  return { bounds: next, failed: more.length === 0 ? failed : [...failed, ...more] };
}

/** What would fail if this statement were enforced beside those that are. */
export function auditLimits(enforced: CombinedLimits, statement: PolicyStatement): readonly FailedClause[] {
  return joined({ bounds: enforced.bounds, failed: [] }, statement).failed;
}

/**
 * The lifetime that is granted. Rules of an audited namespace refuse nobody there, but what they give they give
 * for no longer than they say; a minimum above every maximum is only reported.
 */
export function grantedTtl(enforced: CombinedLimits, statements: readonly PolicyStatement[]): TtlLimit {
  return auditedGrants(statements).reduce((ttl, { bounds }) => meetTtl(ttl, bounds.ttl), enforced.bounds.ttl);
}

/** Rules that give an identity in an audited namespace. */
function auditedGrants(statements: readonly PolicyStatement[]): readonly PolicyStatement[] {
  return statements.filter(({ mode, grants }) => mode === 'audit' && grants);
}

function usable(usages: readonly Usage[] | undefined): boolean {
  return usages === undefined || usableForSvid(usages);
}

function emptyLifetime({ ttl }: Bounds): boolean {
  return ttl.minMs > ttl.maxMs;
}

function uselessClause(statement: PolicyStatement, left: readonly Usage[]): FailedClause {
  return clauseOf(statement, {
    reason: 'CAP-P07',
    field: `${statement.at.bounds}.usages`,
    actual: left.length === 0 ? 'none' : left.join(' '),
    allowed: `digitalSignature with serverAuth and clientAuth, of ${USAGES.join(' ')}`,
    change: 'let all policies leave digitalSignature, serverAuth and clientAuth',
  });
}

function lifetimeClause(statement: PolicyStatement, { ttl }: Bounds): FailedClause {
  return clauseOf(statement, {
    reason: 'CAP-P05',
    field: `${statement.at.bounds}.ttl`,
    actual: `at least ${formatDuration(ttl.minMs)} and at most ${formatDuration(ttl.maxMs)}`,
    allowed: 'an interval that is not empty',
    change: 'let all policies share a lifetime',
  });
}
