// Certificates that are still valid, asked about again: which of them would today's policy refuse?
import { reevaluate, type RefusalReason } from '../../domain/policy/history/replay-verdict.ts';
import type { DecisionRecord, IssuedRecord } from '../../ports/storage/issuance-journal.ts';
import type { PolicyRequest } from '../../domain/policy/request.ts';
import type { Candidate } from '../sources/candidate.ts';
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
  /** Live, but issued without policy or by a Capstan that did not record what was asked. */
  readonly leftOut: number;
  /** The first of those refused. */
  readonly listed: readonly RefusedCertificate[];
}

/** More than anybody reads; the rest is counted. */
const MAX_LISTED = 10_000;

/** Puts every certificate that it is given to the policies of today. */
export class LiveCertificateReview {
  readonly #candidate: Candidate;
  readonly #nowMs: number;
  readonly #replayer: Replayer;
  readonly #listed: RefusedCertificate[] = [];
  readonly #counts = { live: 0, refused: 0, undecided: 0, leftOut: 0 };

  /** @param nowMs milliseconds since the epoch. */
  constructor(candidate: Candidate, nowMs: number) {
    this.#candidate = candidate;
    this.#nowMs = nowMs;
    this.#replayer = new Replayer(candidate.policies, candidate.snapshot);
  }

  /** @param record of a certificate that is still valid. */
  add(record: DecisionRecord): void {
    this.#counts.live += 1;
    const recorded = record.outcome === 'issued' ? requestOfRecord(record, this.#candidate.policies.bundle) : undefined;
    if (record.outcome === 'refused' || recorded === undefined) this.#counts.leftOut += 1;
    else this.#judge(record, { ...recorded, nowMs: this.#nowMs });
  }

  result(): LiveCertificates {
    return { ...this.#counts, listed: [...this.#listed] };
  }

  #judge(record: IssuedRecord, request: PolicyRequest): void {
    const verdict = this.#replayer.judge(request);
    if (verdict.outcome === 'approved') return;
    this.#counts[verdict.outcome] += 1;
    if (verdict.outcome === 'undecided' || this.#listed.length >= MAX_LISTED) return;
    const { policies, snapshot } = this.#candidate;
    const renewal = reevaluate(policies, { ...request, currentCertificate: currentFrom(record) }, snapshot);
    const { identity, serial, notAfterMs, decisionId } = record;
    const renewable = renewal.verdict.outcome === 'approved';
    this.#listed.push({ identity, serial, notAfterMs, decisionId, refusalReason: verdict.refusalReason, renewable });
  }
}

function currentFrom(record: IssuedRecord) {
  return { issuedMs: record.timeMs, notAfterMs: record.notAfterMs, waived: waivedIn(record) };
}
