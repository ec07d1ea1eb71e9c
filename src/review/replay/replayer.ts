// Asks a candidate policy what it would have said to recorded decisions, one by one in the order of time.
// Identical requests are evaluated once; which certificate an identity had then is looked at only where it matters.
import type { ReplayedDecision, PriorVerdict } from '../../domain/policy/history/replay-tally.ts';
import { refusalReasonOf, reevaluate, type Verdict } from '../../domain/policy/history/replay-verdict.ts';
import type { PolicySet } from '../../domain/policy/policy-set.ts';
import type { CurrentCertificate, PolicyRequest } from '../../domain/policy/request.ts';
import type { ClusterSnapshot } from '../../domain/cluster/snapshot.ts';
import type { DecisionRecord } from '../../ports/storage/issuance-journal.ts';
import { waivedIn, CurrentCertificates } from './current-certificates.ts';
import { Recent } from '../../domain/bounded/recent.ts';
import { requestOfRecord, requestKey } from './recorded-request.ts';

/** Verdicts that are remembered, with requests of some hundred bytes. */
const MAX_VERDICTS = 100_000;

/** A verdict, and the conditions that were waived for it. */
interface WaivedVerdict {
  readonly verdict: Verdict;
  readonly waived: CurrentCertificate['waived'];
}

export class Replayer {
  readonly #policies: PolicySet;
  readonly #snapshot: ClusterSnapshot;
  readonly #verdicts: Recent<Verdict>;
  readonly #currentCertificates = new CurrentCertificates();

  /** @param mostVerdicts that are remembered. */
  constructor(policies: PolicySet, snapshot: ClusterSnapshot, mostVerdicts = MAX_VERDICTS) {
    this.#policies = policies;
    this.#snapshot = snapshot;
    this.#verdicts = new Recent(mostVerdicts);
  }

  /** Learns from a record of before the decisions that are replayed. */
  observe(record: DecisionRecord): void {
    if (record.outcome === 'issued') this.#currentCertificates.issued(record, waivedIn(record));
  }

  /** @returns nothing for a decision that was made without policy, or whose request was not recorded. */
  replay(record: DecisionRecord): ReplayedDecision | undefined {
    const request = requestOfRecord(record, this.#policies.bundle);
    if (request === undefined) return undefined;
    const { verdict, waived } = this.#judgeHolder(request);
    // What the candidate refuses it would not have issued: who had a certificate keeps the older one.
    if (record.outcome === 'issued' && verdict.outcome !== 'refused') this.#currentCertificates.issued(record, waived);
    const { decisionId, timeMs } = record;
    const identity = request.subject.spiffeId;
    return { decisionId, timeMs, identity, before: priorVerdictOf(record), after: verdict };
  }

  /** The verdict on somebody who holds nothing. */
  judge(request: PolicyRequest): Verdict {
    // Of the time of a request, only this can matter.
    const ended = request.nowMs >= this.#policies.bundle.validity.hardExpiryMs;
    const key = `${ended ? 'ended' : ''}${requestKey(request)}`;
    const known = this.#verdicts.get(key);
    if (known !== undefined) return known;
    const { verdict } = reevaluate(this.#policies, request, this.#snapshot);
    this.#verdicts.set(key, verdict);
    return verdict;
  }

  #judgeHolder(request: PolicyRequest): WaivedVerdict {
    const verdict = this.judge(request);
    if (verdict.outcome === 'approved') return { verdict, waived: {} };
    const { spiffeId, remoteCluster } = request.subject;
    const currentCertificate =
      remoteCluster === undefined ? this.#currentCertificates.currentCertificateOf(spiffeId, request.nowMs) : undefined;
    if (currentCertificate === undefined) return { verdict, waived: {} };
    const { verdict: renewal, decision } = reevaluate(
      this.#policies,
      { ...request, currentCertificate },
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
