// What a policy would say to a request of the past. The present snapshot may not know the pods of then, and
// there may be none at all; what cannot be known for sure is left undecided instead of guessed.
import type { Reason } from '../../reasons.ts';
import type { FailedClause, PolicyDecision } from '../policy-decision.ts';
import { evaluate } from '../evaluation/evaluate.ts';
import type { PolicySet } from '../policy-set.ts';
import type { PolicyRequest } from '../request.ts';
import type { ClusterSnapshot } from '../../cluster/snapshot.ts';

/** Why not: the first failed clause, in words. */
export interface RefusalReason {
  readonly reason: Reason;
  /** Policy and field: `shop/public-api spec.conditions.has-ingress`. */
  readonly where: string;
  readonly words: string;
}

export type Verdict =
  | { readonly outcome: 'approved' }
  | { readonly outcome: 'refused' | 'undecided'; readonly refusalReason: RefusalReason };

/** A verdict and the decision that it is read from. */
export interface Judged {
  readonly verdict: Verdict;
  readonly decision: PolicyDecision;
}

export function reevaluate(policies: PolicySet, request: PolicyRequest, snapshot: ClusterSnapshot): Judged {
  const { watched, podMissing } = watchPods(snapshot);
  const decision = evaluate(policies, request, watched);
  return { decision, verdict: verdictOf(decision, policies, podMissing()) };
}

export function refusalReasonOf({
  reason,
  policy,
  field,
  actual,
  allowed,
  change,
  contact,
}: FailedClause): RefusalReason {
  const ask = contact === undefined ? '' : `; ask ${contact}`;
  return { reason, where: `${policy} ${field}`, words: `${actual}, allowed ${allowed}; to pass: ${change}${ask}` };
}

function verdictOf(decision: PolicyDecision, policies: PolicySet, podMissing: boolean): Verdict {
  const { outcome, unavailable, failures, bundle } = decision;
  if (outcome === 'approved') return { outcome };
  const certain = failures.find(({ mayPassLater }) => !mayPassLater);
  if (unavailable !== undefined && unavailable.reason !== 'CAP-S10') {
    return { outcome: 'refused', refusalReason: { reason: unavailable.reason, where: bundle, words: unavailable.why } };
  }
  if (unavailable === undefined && !podMissing) return refused(failures[0]);
  if (certain !== undefined && !mayBeDowngraded(policies)) return refused(certain);
  return {
    outcome: 'undecided',
    refusalReason: unknown(unavailable?.why ?? 'the snapshot does not know the pod of then'),
  };
}

function refused(clause: FailedClause | undefined): Verdict {
  return clause === undefined
    ? { outcome: 'approved' }
    : { outcome: 'refused', refusalReason: refusalReasonOf(clause) };
}

function unknown(words: string): RefusalReason {
  return { reason: 'CAP-S10', where: 'the cluster', words };
}

/** Whether labels that nobody knows could turn a refusal into one that is audited only. */
function mayBeDowngraded({ bundle }: PolicySet): boolean {
  return bundle.namespaces.audit.some(({ labels }) => labels !== undefined);
}

/** Notices that a pod was asked for in vain. */
function watchPods(snapshot: ClusterSnapshot): {
  readonly watched: ClusterSnapshot;
  readonly podMissing: () => boolean;
} {
  let podMissing = false;
  const watched: ClusterSnapshot = {
    remoteCluster: snapshot.remoteCluster,
    version: snapshot.version,
    versions: snapshot.versions,
    kinds: snapshot.kinds,
    ...(snapshot.unsynced !== undefined && { unsynced: snapshot.unsynced }),
    ...(snapshot.incomplete !== undefined && { incomplete: snapshot.incomplete }),
    unsyncedFor: (query) => snapshot.unsyncedFor?.(query),
    list: (query) => snapshot.list(query),
    find: (query) => {
      const found = snapshot.find(query);
      if (found === undefined && query.kind === 'Pod') podMissing = true;
      return found;
    },
  };
  return { watched, podMissing: () => podMissing };
}
