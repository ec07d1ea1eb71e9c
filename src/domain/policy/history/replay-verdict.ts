// What a policy would say to a request of the past. The present snapshot may not know the pods of then, and
// there may be none at all; what cannot be told for sure is left undecided instead of guessed.
import type { Reason } from '../../reasons.ts';
import type { FailedClause, PolicyDecision } from '../policy-decision.ts';
import { evaluate } from '../evaluation/evaluate.ts';
import type { PolicySet } from '../policy-set.ts';
import type { PolicyRequest } from '../request.ts';
import type { ClusterSnapshot } from '../../cluster/snapshot.ts';

/** Why not: the first failed clause, in words. */
export interface Because {
  readonly reason: Reason;
  /** Policy and field: `shop/public-api spec.conditions.has-ingress`. */
  readonly where: string;
  readonly words: string;
}

export type Verdict =
  { readonly outcome: 'approved' } | { readonly outcome: 'refused' | 'undecided'; readonly because: Because };

/** A verdict and the decision that it is read from. */
export interface Judged {
  readonly verdict: Verdict;
  readonly decision: PolicyDecision;
}

export function judgeAgain(policies: PolicySet, request: PolicyRequest, snapshot: ClusterSnapshot): Judged {
  const { watched, missed } = watchPods(snapshot);
  const decision = evaluate(policies, request, watched);
  return { decision, verdict: verdictOf(decision, policies, missed()) };
}

export function becauseOf({ reason, policy, field, actual, allowed, change, contact }: FailedClause): Because {
  const ask = contact === undefined ? '' : `; ask ${contact}`;
  return { reason, where: `${policy} ${field}`, words: `${actual}, allowed ${allowed}; to pass: ${change}${ask}` };
}

function verdictOf(decision: PolicyDecision, policies: PolicySet, podMissed: boolean): Verdict {
  const { outcome, unavailable, failures, bundle } = decision;
  if (outcome === 'approved') return { outcome };
  const certain = failures.find(({ mayPassLater }) => !mayPassLater);
  if (unavailable !== undefined && unavailable.reason !== 'CAP-S10') {
    return { outcome: 'refused', because: { reason: unavailable.reason, where: bundle, words: unavailable.why } };
  }
  if (unavailable === undefined && !podMissed) return refused(failures[0]);
  if (certain !== undefined && !mayBeSoftened(policies)) return refused(certain);
  return { outcome: 'undecided', because: unknown(unavailable?.why ?? 'the snapshot does not know the pod of then') };
}

function refused(clause: FailedClause | undefined): Verdict {
  return clause === undefined ? { outcome: 'approved' } : { outcome: 'refused', because: becauseOf(clause) };
}

function unknown(words: string): Because {
  return { reason: 'CAP-S10', where: 'the cluster', words };
}

/** Whether labels that nobody knows could turn a refusal into one that is audited only. */
function mayBeSoftened({ bundle }: PolicySet): boolean {
  return bundle.namespaces.audit.some(({ labels }) => labels !== undefined);
}

/** Notices that a pod was asked for in vain. */
function watchPods(snapshot: ClusterSnapshot): { readonly watched: ClusterSnapshot; readonly missed: () => boolean } {
  let missed = false;
  const watched: ClusterSnapshot = {
    version: snapshot.version,
    ...(snapshot.unsynced !== undefined && { unsynced: snapshot.unsynced }),
    ...(snapshot.incomplete !== undefined && { incomplete: snapshot.incomplete }),
    list: (query) => snapshot.list(query),
    find: (query) => {
      const found = snapshot.find(query);
      if (found === undefined && query.kind === 'Pod') missed = true;
      return found;
    },
  };
  return { watched, missed: () => missed };
}
