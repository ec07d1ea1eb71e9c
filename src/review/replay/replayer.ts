// Asks a candidate policy what it would have said to recorded decisions, one by one in the order of time.
// Identical questions are asked once; what an identity held then is looked at only where it matters.
import type { ReplayedDecision, PriorVerdict } from '../../domain/policy/history/replay-tally.ts';
import { refusalReasonOf, reevaluate, type Verdict } from '../../domain/policy/history/replay-verdict.ts';
import type { PolicySet } from '../../domain/policy/policy-set.ts';
import type { CurrentCertificate, PolicyRequest } from '../../domain/policy/request.ts';
import type { ClusterSnapshot } from '../../domain/cluster/snapshot.ts';
import type { DecisionRecord } from '../../ports/storage/issuance-journal.ts';
import { waivedIn, CurrentCertificates } from './current-certificates.ts';
import { Recent } from '../../domain/bounded/recent.ts';
import { requestOfRecord, requestKey } from './recorded-request.ts';

/** Answers that are remembered. */
const MAX_ANSWERS = 100_000;

/** A verdict, and the conditions that were passed over for it. */
interface Answer {
  readonly verdict: Verdict;
  readonly waived: CurrentCertificate['waived'];
}

export class Replayer {
  readonly #policies: PolicySet;
  readonly #snapshot: ClusterSnapshot;
  readonly #answers = new Recent<Verdict>(MAX_ANSWERS);
  readonly #currentCertificates = new CurrentCertificates();

  constructor(policies: PolicySet, snapshot: ClusterSnapshot) {
    this.#policies = policies;
    this.#snapshot = snapshot;
  }

  /** Learns from a record of before the decisions that are replayed. */
  observe(record: DecisionRecord): void {
    if (record.outcome === 'issued') this.#currentCertificates.issued(record, waivedIn(record));
  }

  /** @returns nothing for a decision that policy was not asked about, or whose question was not recorded. */
  replay(record: DecisionRecord): ReplayedDecision | undefined {
    const question = requestOfRecord(record, this.#policies.bundle);
    if (question === undefined) return undefined;
    const { verdict, waived } = this.#answer(question);
    // What the candidate refuses it would not have issued: who had a certificate keeps the older one.
    if (record.outcome === 'issued' && verdict.outcome !== 'refused') this.#currentCertificates.issued(record, waived);
    const { decisionId, timeMs } = record;
    const identity = question.subject.spiffeId;
    return { decisionId, timeMs, identity, before: priorVerdictOf(record), after: verdict };
  }

  /** The verdict on somebody who holds nothing. */
  judge(question: PolicyRequest): Verdict {
    // Of the time of a question, only this can matter.
    const ended = question.nowMs >= this.#policies.bundle.validity.hardExpiryMs;
    const text = `${ended ? 'ended' : ''}${requestKey(question)}`;
    const known = this.#answers.get(text);
    if (known !== undefined) return known;
    const { verdict } = reevaluate(this.#policies, question, this.#snapshot);
    this.#answers.set(text, verdict);
    return verdict;
  }

  #answer(question: PolicyRequest): Answer {
    const verdict = this.judge(question);
    if (verdict.outcome === 'approved') return { verdict, waived: {} };
    const currentCertificate = this.#currentCertificates.currentCertificateOf(
      question.subject.spiffeId,
      question.nowMs,
    );
    if (currentCertificate === undefined) return { verdict, waived: {} };
    const { verdict: renewal, decision } = reevaluate(
      this.#policies,
      { ...question, currentCertificate },
      this.#snapshot,
    );
    return {
      verdict: renewal,
      waived: Object.fromEntries(decision.waived.map(({ key, sinceMs }) => [key, sinceMs])),
    };
  }
}

/** What the record says of policy alone: who was over quota had been approved by it. */
function priorVerdictOf(record: DecisionRecord): PriorVerdict {
  if (record.outcome === 'issued') return { outcome: 'approved' };
  const [first] = record.policy?.failures ?? [];
  if (record.reason.startsWith('CAP-P') && first !== undefined)
    return { outcome: 'refused', refusalReason: refusalReasonOf(first) };
  return { outcome: record.reason === 'CAP-Q03' || record.reason === 'CAP-Q04' ? 'approved' : 'unjudged' };
}
