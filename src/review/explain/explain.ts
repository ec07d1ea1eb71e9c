// How a request would be decided, and why.
import type { ClusterSnapshot } from '../../domain/cluster/snapshot.ts';
import type { PolicyDecision } from '../../domain/policy/policy-decision.ts';
import { applicableTo, type Applicable } from '../../domain/policy/evaluation/applicable.ts';
import { evaluate } from '../../domain/policy/evaluation/evaluate.ts';
import type { PolicySet } from '../../domain/policy/policy-set.ts';
import type { PolicyRequest } from '../../domain/policy/request.ts';
import { formatTrace } from './format-trace.ts';
import { tracedDecision, type TracedDecision } from './traced-decision.ts';

export interface ExplainedDecision {
  readonly decision: PolicyDecision;
  /** For `formatTrace` and `traceAsTree`. */
  readonly traced: TracedDecision;
}

export function explain(policies: PolicySet, request: PolicyRequest, snapshot: ClusterSnapshot): ExplainedDecision {
  const decision = evaluate(policies, request, snapshot);
  return { decision, traced: tracedDecision(decision, applicableTo(policies, request, snapshot)) };
}

/** @returns the lines of `formatTrace`. @param applicable as in `tracedDecision`. */
export function formatDecision(decision: PolicyDecision, applicable?: Applicable): readonly string[] {
  return formatTrace(tracedDecision(decision, applicable));
}
