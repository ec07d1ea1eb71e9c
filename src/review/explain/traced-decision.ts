// A decision as people read it: one that was just made, or one from the journal. Both have the same
// trace; only the first knows the grant, and only the second when and for whom it was made.
import { policyTraceOf } from '../../authority/issuing/policy-trace.ts';
import type { Applicable } from '../../domain/policy/evaluation/applicable.ts';
import type { Grant, PolicyDecision } from '../../domain/policy/policy-decision.ts';
import type { DecisionRecord, PolicyTrace } from '../../ports/storage/issuance-journal.ts';
import { formatTime } from '../../domain/text/format-time.ts';

export interface TracedDecision {
  /** One line: which decision this is, and its verdict. */
  readonly title: string;
  /** Short, for the root of a tree: `refused CAP-P12`. */
  readonly verdict: string;
  readonly trace: PolicyTrace;
  readonly revision: string;
  readonly grant?: Grant;
  /** Conditions that hold, by their keys; absent when nobody remembers. */
  readonly met?: readonly string[];
  /** What stood in the way when it was no clause of policy: a cluster that has not synced, a quota. */
  readonly obstacle?: string;
}

/** A decision that the evaluator has just made. @param applicable what policy applied to it: without, conditions that hold are not listed. */
export function tracedDecision(decision: PolicyDecision, applicable?: Applicable): TracedDecision {
  const { outcome, request, unavailable, failures, grant } = decision;
  const met = applicable === undefined || unavailable !== undefined ? undefined : metOf(decision, applicable);
  const reason = unavailable?.reason ?? failures[0]?.reason;
  const verdict = reason === undefined ? outcome : `${outcome} ${reason}`;
  return {
    title: `${request.subject.spiffeId}: ${reason === undefined ? outcome : `${outcome} with ${reason}`}`,
    verdict,
    trace: policyTraceOf(decision),
    revision: decision.revision,
    ...(outcome === 'approved' && { grant }),
    ...(met !== undefined && { met }),
    ...(unavailable !== undefined && { obstacle: `${unavailable.reason} ${unavailable.why}` }),
  };
}

/** A condition's key names its policy whatever the sequence of the bundle. */
function metOf({ failures, audits }: PolicyDecision, { conditions }: Applicable): readonly string[] {
  const failed = [...failures, ...audits].map(({ policy, field }) => `${policy.replace(/@\d+$/, '')} ${field}`);
  return conditions.map(({ key }) => key).filter((key) => !failed.includes(key));
}

/** @returns nothing when the request was refused before policy was asked. */
export function recordedDecision(record: DecisionRecord): TracedDecision | undefined {
  const { policy: trace, decisionId, timeMs, api, policyRevision: revision = 'unknown' } = record;
  if (trace === undefined) return undefined;
  const which = `Decision ${decisionId} (${api}) of ${formatTime(timeMs)}`;
  if (record.outcome === 'issued') {
    return { title: `${which}: issued serial ${record.serial}`, verdict: 'issued', trace, revision };
  }
  return {
    title: `${which}: refused with ${record.reason}`,
    verdict: `refused ${record.reason}`,
    trace,
    revision,
    ...(!record.reason.startsWith('CAP-P') && { obstacle: record.message }),
  };
}

/** Why a recorded decision has no trace. */
export function whyUntraced(record: DecisionRecord): string {
  if (record.outcome === 'refused') return record.message;
  const why =
    record.api === 'self' ? "Capstan's own, of which policy is not asked" : 'from before decisions had traces';
  return `serial ${record.serial} is ${why}`;
}
