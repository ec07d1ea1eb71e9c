// The one judge: a request against all policies and one snapshot of the cluster. Pure; it does not stop at
// the first failure, and the order of files, rules and objects means nothing to it.
import { USAGES } from '../bounds.ts';
import { hear, conditionKey, quotasOf, type Hearing } from './applicable.ts';
import { checkBounds, clauseOf } from './check-bounds.ts';
import { auditLimits, combine, grantedTtl, softenedUsages } from './combined-limits.ts';
import {
  LAYERS,
  makeDecision,
  POLICY_REASONS,
  type ExcusedClause,
  type FailedClause,
  type PolicyDecision,
} from '../policy-decision.ts';
import { evaluateCondition } from './evaluate-condition.ts';
import { localNeeded, noRule, wrongAnchor } from './missing-grants.ts';
import { compareText } from '../../text/compare-text.ts';
import { excusedSince } from './on-renew.ts';
import type { PolicySet } from '../policy-set.ts';
import type { PolicyRequest } from '../request.ts';
import { Sight } from './snapshot-reader.ts';
import type { ClusterSnapshot } from '../../cluster/snapshot.ts';
import { standstill } from './standstill.ts';
import type { Voice } from './statement.ts';

const WARN = { kind: 'warn' } as const;

interface Findings {
  readonly failures: FailedClause[];
  readonly audits: FailedClause[];
  readonly excused: ExcusedClause[];
  /** What each failure is worth waiting for, in ms. */
  readonly waitsMs: number[];
}

export function evaluate(policies: PolicySet, request: PolicyRequest, snapshot: ClusterSnapshot): PolicyDecision {
  const sight = new Sight(snapshot);
  const hearing = hear(policies, request.subject, sight);
  const found: Findings = { failures: [], audits: [], excused: [], waitsMs: [] };
  const enforced = hearing.voices.filter(({ mode }) => mode === 'enforce');
  const limits = combine(enforced, softenedUsages(hearing.voices));
  checkGrants(policies, request, hearing, sight, found);
  found.failures.push(...limits.failed);
  for (const voice of hearing.voices) {
    const side = voice.mode === 'enforce' ? found.failures : found.audits;
    for (const clause of checkBounds(voice, request)) side.push(clause);
    if (voice.mode === 'audit') found.audits.push(...auditLimits(limits, voice));
    checkConditions(policies, request, hearing, voice, sight, found);
  }
  const unavailable = unavailability(policies, request, sight, found.failures);
  const failures = inOrder(found.failures);
  return makeDecision({
    outcome: unavailable !== undefined ? 'unavailable' : failures.length > 0 ? 'refused' : 'approved',
    request,
    class: hearing.class,
    revision: policies.revision,
    bundle: policies.bundleName,
    snapshot: snapshot.version,
    applied: hearing.voices.map(({ title }) => title),
    grant: {
      ttl: grantedTtl(limits, hearing.voices),
      usages: limits.bounds.usages ?? USAGES,
      quotas: quotasOf(policies, enforced),
    },
    failures,
    audits: inOrder(found.audits),
    excused: found.excused.sort((a, b) => compareText(a.key, b.key)),
    objects: sight.seen,
    waitMs: waitOf(found, request),
    ...(unavailable !== undefined && { unavailable }),
  });
}

/** Default deny: somebody central must give the identity, and the namespace must speak where it has to. */
function checkGrants(
  policies: PolicySet,
  request: PolicyRequest,
  hearing: Hearing,
  sight: Sight,
  found: Findings,
): void {
  const missing = [
    noRule(policies, request, hearing, sight),
    localNeeded(policies, request, hearing),
    wrongAnchor(policies, request),
  ];
  for (const clause of missing) if (clause !== undefined) found.failures.push(clause);
}

function checkConditions(
  policies: PolicySet,
  request: PolicyRequest,
  hearing: Hearing,
  voice: Voice,
  sight: Sight,
  found: Findings,
): void {
  const circumstances = { input: { request, class: hearing.class, cluster: policies.cluster }, sight };
  for (const condition of voice.conditions) {
    if (condition.mode === 'off') continue;
    const audited = voice.mode === 'audit' || condition.mode === 'audit';
    const verdict = audited
      ? sight.quietly(() => evaluateCondition(condition, circumstances))
      : evaluateCondition(condition, circumstances);
    if (verdict === undefined || verdict.holds) continue;
    const clause = clauseOf(voice, {
      reason: 'CAP-P12',
      field: `${voice.at.own}.conditions.${condition.id}`,
      actual: verdict.actual,
      allowed: verdict.allowed,
      change: condition.message,
      message: condition.message,
      mayPassLater: verdict.mayPassLater,
    });
    if (audited) {
      found.audits.push(clause);
      continue;
    }
    const key = conditionKey(voice, condition);
    const ceiling = voice.layer === 'central' ? WARN : policies.bundle.namespaces.onRenew;
    const sinceMs = excusedSince(key, condition, ceiling, request.held, request.nowMs);
    if (sinceMs === undefined) {
      found.failures.push(clause);
      const waitMs = Math.min(condition.waitMs, policies.bundle.namespaces.maxWaitMs);
      found.waitsMs.push(verdict.mayPassLater ? waitMs : 0);
    } else {
      found.audits.push(clause);
      found.excused.push({ key, sinceMs });
    }
  }
}

/** A view that has not synced, a bundle past its end and a policy that cannot be read are no denial: nobody could judge. */
function unavailability(
  policies: PolicySet,
  { subject, held, issuer, nowMs, policyBundleTimeMs }: PolicyRequest,
  sight: Sight,
  failures: readonly FailedClause[],
) {
  const renewal = held !== undefined && held.notAfterMs > nowMs;
  const still = standstill(policies, {
    issuer,
    nowMs,
    renewal,
    ...(policyBundleTimeMs !== undefined && { policyBundleTimeMs }),
  });
  if (still !== undefined) return still;
  const missing = policies.missingFor(subject.namespace);
  if (missing !== undefined && !isRefusedWithout(policies, failures, sight))
    return { reason: 'CAP-S12', why: missing } as const;
  if (sight.blind === undefined || isRefusedAnyway(policies, failures)) return undefined;
  return { reason: 'CAP-S10', why: sight.blind } as const;
}

/** Whether nothing that the cluster may say would help: a refusal must not make its caller try again. */
function isRefusedAnyway({ bundle }: PolicySet, failures: readonly FailedClause[]): boolean {
  const maySoften = bundle.namespaces.audit.some(({ labels }) => labels !== undefined);
  return !maySoften && failures.some(({ reason, mayPassLater }) => reason !== 'CAP-P01' && !mayPassLater);
}

/**
 * Whether the policies that could be read refuse already: what is missing could only take away more. A namespace
 * that seems to have no policy of its own may have one that could not be read.
 */
function isRefusedWithout(policies: PolicySet, failures: readonly FailedClause[], { blind }: Sight): boolean {
  const known = failures.filter(({ reason }) => reason !== 'CAP-P10');
  return blind === undefined ? known.some(({ mayPassLater }) => !mayPassLater) : isRefusedAnyway(policies, known);
}

/** Waiting helps a first request only, and only when everything that fails may turn true in time. */
function waitOf({ failures, waitsMs }: Findings, { held, nowMs }: PolicyRequest): number {
  if (failures.length === 0 || waitsMs.length < failures.length) return 0;
  return held !== undefined && held.notAfterMs > nowMs ? 0 : Math.min(...waitsMs);
}

function inOrder(clauses: FailedClause[]): readonly FailedClause[] {
  if (clauses.length < 2) return clauses;
  return clauses.sort(
    (a, b) =>
      LAYERS.indexOf(a.layer) - LAYERS.indexOf(b.layer) ||
      compareText(a.policy, b.policy) ||
      POLICY_REASONS.indexOf(a.reason) - POLICY_REASONS.indexOf(b.reason) ||
      compareText(a.field, b.field),
  );
}
