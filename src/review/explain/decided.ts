// One decision on record as a page shows it in the history of an identity: what came of it, and why.
import type { DecisionRecord } from '../../ports/storage/issuance-journal.ts';
import { formatTrace } from './format-trace.ts';
import { recordedDecision } from './traced-decision.ts';

export interface Decided {
  readonly decisionId: string;
  readonly timeMs: number;
  readonly outcome: DecisionRecord['outcome'];
  /** Whom it was about. */
  readonly subject: string;
  readonly api: string;
  readonly authenticationMethod?: string;
  readonly podName?: string;
  /** Of a certificate. */
  readonly serial?: string;
  readonly notAfterMs?: number;
  /** Of a refusal: its reason, the line that the caller got, and for how many it stands. */
  readonly reason?: string;
  readonly message?: string;
  readonly count?: number;
  /** By its name; absent where nobody chose one. */
  readonly issuer?: string;
  readonly policyRevision?: string;
  /** As `capstan policy explain` says it; empty where policy was not asked. */
  readonly explanation: readonly string[];
}

export function decidedAbout(record: DecisionRecord): Decided {
  const { decisionId, timeMs, outcome, api, authenticationMethod, podName, policyRevision, policy } = record;
  const traced = recordedDecision(record);
  const issuer = (record.outcome === 'issued' ? record.issuerName : undefined) ?? policy?.issuer;
  return {
    decisionId,
    timeMs,
    outcome,
    subject: policy?.subject ?? record.identity ?? record.caller ?? '',
    api,
    ...(authenticationMethod !== undefined && { authenticationMethod }),
    ...(podName !== undefined && { podName }),
    ...(issuer !== undefined && { issuer }),
    ...(policyRevision !== undefined && { policyRevision }),
    ...outcomeOf(record),
    explanation: traced === undefined ? [] : formatTrace(traced),
  };
}

function outcomeOf(record: DecisionRecord): Partial<Decided> {
  if (record.outcome === 'issued') return { serial: record.serial, notAfterMs: record.notAfterMs };
  const { reason, message, count } = record;
  return { reason, message, ...(count !== undefined && { count }) };
}
