// The one judge: a request against all policies and one snapshot of the cluster. Pure; it does not stop at
// the first failure, and the order of files, rules and objects means nothing to it. It imports much because every
// clause has a file of its own, called from here.
import { USAGES } from '../bounds.ts';
import { findApplicable, conditionKey, quotasOf, type ApplicableStatements } from './applicable.ts';
import { checkBounds, clauseOf } from './check-bounds.ts';
import { auditLimits, combine, grantedTtl, auditedUsages } from './combined-limits.ts';
import {
  LAYERS,
  POLICY_REASONS,
  type WaivedClause,
  type FailedClause,
  type DecisionFacts,
  type PolicyDecision,
} from '../policy-decision.ts';
import { evaluateCondition } from './evaluate-condition.ts';
import { localNeeded, noRule, unfitIssuer } from './missing-grants.ts';
import { compareText } from '../../text/compare-text.ts';
import { waivedSince } from './on-renew.ts';
import type { PolicySet } from '../policy-set.ts';
import type { PolicyRequest } from '../request.ts';
import { SnapshotReader } from './snapshot-reader.ts';
import { snapshotFor, type ClusterSnapshot } from '../../cluster/snapshot.ts';
import { standstill } from './standstill.ts';
import type { PolicyStatement } from './statement.ts';

const WARN = { kind: 'warn' } as const;

interface Findings {
  readonly failures: FailedClause[];
  readonly audits: FailedClause[];
  readonly waived: WaivedClause[];
  /** What each failure is worth waiting for, in ms. */
  readonly waitsMs: number[];
}

/** @param given of the cluster that the subject is of; of another nothing is read. */
export function evaluate(policies: PolicySet, request: PolicyRequest, given: ClusterSnapshot): PolicyDecision {
  const snapshot = snapshotFor(request.subject, given);
  const reader = new SnapshotReader(snapshot, request);
  const applicable = findApplicable(policies, request.subject, reader);
  const found: Findings = { failures: [], audits: [], waived: [], waitsMs: [] };
  const enforced = applicable.statements.filter(({ mode }) => mode === 'enforce');
  const limits = combine(enforced, auditedUsages(applicable.statements));
  checkGrants(policies, request, applicable, reader, found);
  found.failures.push(...limits.failed);
  for (const statement of applicable.statements) {
    const side = statement.mode === 'enforce' ? found.failures : found.audits;
    for (const clause of checkBounds(statement, request)) side.push(clause);
    if (statement.mode === 'audit') found.audits.push(...auditLimits(limits, statement));
    checkConditions(policies, request, applicable, statement, reader, found);
  }
  const unavailable = unavailability(policies, request, reader, found.failures);
  const failures = inOrder(found.failures);
  const decided: DecisionFacts = {
    outcome: unavailable !== undefined ? 'unavailable' : failures.length > 0 ? 'refused' : 'approved',
    request,
    class: applicable.class,
    revision: policies.revision,
    bundle: policies.bundleName,
    snapshot: snapshot.version,
    applied: applicable.statements.map(({ title }) => title),
    grant: {
      ttl: grantedTtl(limits, applicable.statements),
      usages: limits.bounds.usages ?? USAGES,
      quotas: quotasOf(policies, enforced),
    },
    failures,
    audits: inOrder(found.audits),
    waived: found.waived.sort((a, b) => compareText(a.key, b.key)),
    objects: reader.seen,
    ...(reader.seenPods.length > 0 && { pods: reader.seenPods }),
    waitMs: waitOf(found, request),
    ...(unavailable !== undefined && { unavailable }),
  };
  return decided as PolicyDecision;
}

/** Default deny: somebody central must give the identity, and the namespace must have a policy where the bundle demands one. */
function checkGrants(
  policies: PolicySet,
  request: PolicyRequest,
  applicable: ApplicableStatements,
  reader: SnapshotReader,
  found: Findings,
): void {
  const missing = [
    noRule(policies, request, applicable, reader),
    localNeeded(policies, request, applicable),
    unfitIssuer(policies, request),
  ];
  for (const clause of missing) if (clause !== undefined) found.failures.push(clause);
}

function checkConditions(
  policies: PolicySet,
  request: PolicyRequest,
  applicable: ApplicableStatements,
  statement: PolicyStatement,
  reader: SnapshotReader,
  found: Findings,
): void {
  const circumstances = { input: { request, class: applicable.class, cluster: policies.cluster }, reader };
  for (const condition of statement.conditions) {
    if (condition.mode === 'off') continue;
    const audited = statement.mode === 'audit' || condition.mode === 'audit';
    const verdict = audited
      ? reader.forAudit(() => evaluateCondition(condition, circumstances))
      : evaluateCondition(condition, circumstances);
    if (verdict === undefined || verdict.holds) continue;
    const clause = clauseOf(statement, {
      reason: 'CAP-P12',
      field: `${statement.at.own}.conditions.${condition.id}`,
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
    const key = conditionKey(statement, condition);
    const ceiling = statement.layer === 'central' ? WARN : policies.bundle.namespaces.onRenew;
    const sinceMs = waivedSince(key, condition, ceiling, request.currentCertificate, request.nowMs);
    if (sinceMs === undefined) {
      found.failures.push(clause);
      const waitMs = Math.min(condition.waitMs, policies.bundle.namespaces.maxWaitMs);
      found.waitsMs.push(verdict.mayPassLater ? waitMs : 0);
    } else {
      found.audits.push(clause);
      found.waived.push({ key, sinceMs });
    }
  }
}

/** A view that has not synced, a bundle past its end and a policy that cannot be read are no denial: nobody could judge. */
function unavailability(
  policies: PolicySet,
  { subject, currentCertificate, issuer, nowMs, policyBundleTimeMs }: PolicyRequest,
  reader: SnapshotReader,
  failures: readonly FailedClause[],
) {
  const renewal = currentCertificate !== undefined && currentCertificate.notAfterMs > nowMs;
  const still = standstill(policies, {
    issuer,
    nowMs,
    renewal,
    ...(policyBundleTimeMs !== undefined && { policyBundleTimeMs }),
  });
  if (still !== undefined) return still;
  const missing = policies.missingFor(subject.namespace);
  if (missing !== undefined && !isRefusedWithout(policies, failures, reader))
    return { reason: 'CAP-S12', why: missing } as const;
  if (reader.unsynced === undefined || isRefusedAnyway(policies, failures)) return undefined;
  return { reason: 'CAP-S10', why: reader.unsynced } as const;
}

/** Whether nothing that the cluster may say would help: a refusal must not make its caller try again. */
function isRefusedAnyway({ bundle }: PolicySet, failures: readonly FailedClause[]): boolean {
  const mayDowngrade = bundle.namespaces.audit.some(({ labels }) => labels !== undefined);
  return !mayDowngrade && failures.some(({ reason, mayPassLater }) => reason !== 'CAP-P01' && !mayPassLater);
}

/**
 * Whether the policies that could be read refuse already: what is missing could only take away more. A namespace
 * that seems to have no policy of its own may have one that could not be read.
 */
function isRefusedWithout(
  policies: PolicySet,
  failures: readonly FailedClause[],
  { unsynced }: SnapshotReader,
): boolean {
  const known = failures.filter(({ reason }) => reason !== 'CAP-P10');
  return unsynced === undefined ? known.some(({ mayPassLater }) => !mayPassLater) : isRefusedAnyway(policies, known);
}

/** Waiting helps a first request only, and only when everything that fails may turn true in time. */
function waitOf({ failures, waitsMs }: Findings, { currentCertificate, nowMs }: PolicyRequest): number {
  if (failures.length === 0 || waitsMs.length < failures.length) return 0;
  return currentCertificate !== undefined && currentCertificate.notAfterMs > nowMs ? 0 : Math.min(...waitsMs);
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
