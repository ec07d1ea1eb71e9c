// Certificates that are still valid, asked about again: which of them would today's policy refuse?
import { reevaluate, type RefusalReason } from '../../domain/policy/history/replay-verdict.ts';
import type { DecisionRecord, IssuedRecord } from '../../ports/storage/issuance-journal.ts';
import type { PolicyRequest } from '../../domain/policy/request.ts';
import type { ClusterSnapshot } from '../../domain/cluster/snapshot.ts';
import type { PolicySet } from '../../domain/policy/policy-set.ts';
import type { Reason } from '../../domain/reasons.ts';
import { Replayer } from '../replay/replayer.ts';
import { waivedIn } from '../replay/current-certificates.ts';
import { requestOfRecord } from '../replay/recorded-request.ts';

export interface RefusedCertificate {
  readonly identity: string;
  readonly serial: string;
  readonly notAfterMs: number;
  readonly decisionId: string;
  readonly refusalReason: RefusalReason;
  /** Nobody new would get it, but who has it may renew it for now. */
  readonly renewable: boolean;
}

export interface LiveCertificates {
  readonly live: number;
  readonly refused: number;
  readonly undecided: number;
  /** Live, but issued without policy or by a Capstan that did not record what was asked, or no more on record. */
  readonly leftOut: number;
  /** How many are refused, by the code of the first reason. */
  readonly reasons: Readonly<Partial<Record<Reason, number>>>;
  /** The first of those refused. */
  readonly listed: readonly RefusedCertificate[];
}

/** By what certificates are judged. */
export interface LiveJudges {
  readonly policies: PolicySet;
  /** What is known of the cluster of a caller; absent, of the own one. It may say that it knows nothing. */
  readonly snapshotOf: (remoteCluster: string | undefined) => ClusterSnapshot;
}

/** How much is held. */
export interface ReviewBounds {
  /** That are listed: the first. The rest is counted. */
  readonly listed: number;
  /** That are remembered of each cluster, for those who asked alike. */
  readonly verdicts: number;
}

/** More than anybody reads; and what a journal needs, in which those who asked alike are far apart. */
const BOUNDS: ReviewBounds = { listed: 10_000, verdicts: 100_000 };

/** Puts every certificate that it is given to the policies of today. */
export class LiveCertificateReview {
  readonly #judges: LiveJudges;
  readonly #nowMs: number;
  readonly #bounds: ReviewBounds;
  /** By cluster, of as many as are known. */
  readonly #replayers = new Map<string | undefined, Replayer>();
  readonly #listed: RefusedCertificate[] = [];
  readonly #counts = { live: 0, refused: 0, undecided: 0, leftOut: 0 };
  readonly #reasons: Partial<Record<Reason, number>> = {};

  /** @param nowMs milliseconds since the epoch. */
  constructor(judges: LiveJudges, nowMs: number, bounds = BOUNDS) {
    this.#judges = judges;
    this.#nowMs = nowMs;
    this.#bounds = bounds;
  }

  /** @param record of a certificate that is still valid; absent where it is not kept any more. */
  add(record: DecisionRecord | undefined): void {
    this.#counts.live += 1;
    const { bundle } = this.#judges.policies;
    const recorded = record?.outcome === 'issued' ? requestOfRecord(record, bundle) : undefined;
    if (record?.outcome !== 'issued' || recorded === undefined) this.#counts.leftOut += 1;
    else this.#judge(record, { ...recorded, nowMs: this.#nowMs });
  }

  result(): LiveCertificates {
    return { ...this.#counts, reasons: { ...this.#reasons }, listed: [...this.#listed] };
  }

  #judge(record: IssuedRecord, request: PolicyRequest): void {
    const { remoteCluster } = record;
    const verdict = this.#replayerOf(remoteCluster).judge(request);
    if (verdict.outcome === 'approved') return;
    this.#counts[verdict.outcome] += 1;
    if (verdict.outcome === 'undecided') return;
    const { reason } = verdict.refusalReason;
    this.#reasons[reason] = (this.#reasons[reason] ?? 0) + 1;
    if (this.#listed.length >= this.#bounds.listed) return;
    const { policies, snapshotOf } = this.#judges;
    const holding = { ...request, currentCertificate: currentFrom(record) };
    const renewal = reevaluate(policies, holding, snapshotOf(remoteCluster));
    const { identity, serial, notAfterMs, decisionId } = record;
    const renewable = renewal.verdict.outcome === 'approved';
    this.#listed.push({ identity, serial, notAfterMs, decisionId, refusalReason: verdict.refusalReason, renewable });
  }

  #replayerOf(remoteCluster: string | undefined): Replayer {
    const known = this.#replayers.get(remoteCluster);
    if (known !== undefined) return known;
    const { policies, snapshotOf } = this.#judges;
    const replayer = new Replayer(policies, snapshotOf(remoteCluster), this.#bounds.verdicts);
    this.#replayers.set(remoteCluster, replayer);
    return replayer;
  }
}

function currentFrom(record: IssuedRecord) {
  return { issuedMs: record.timeMs, notAfterMs: record.notAfterMs, waived: waivedIn(record) };
}
