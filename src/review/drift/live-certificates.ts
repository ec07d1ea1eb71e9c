// Certificates that are still valid, asked about again: which of them would today's policy refuse?
import { reevaluate, type RefusalReason } from '../../domain/policy/history/replay-verdict.ts';
import type { DecisionRecord, IssuedRecord } from '../../ports/storage/issuance-journal.ts';
import type { Invocation } from '../../cli/invocation.ts';
import type { Candidate } from '../../cli/inputs/candidate.ts';
import { Replayer } from '../replay/replayer.ts';
import { waivedIn } from '../replay/holders.ts';
import { readJournal } from '../../cli/inputs/read-journal.ts';
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

export async function examineLive(
  file: string,
  candidate: Candidate,
  progress: boolean,
  invocation: Invocation,
): Promise<LiveCertificates> {
  const nowMs = invocation.clock.nowMs();
  const replayer = new Replayer(candidate.policies, candidate.snapshot);
  const found = { refused: 0, undecided: 0, leftOut: 0 };
  const listed: RefusedCertificate[] = [];
  const examine = (record: DecisionRecord): void => {
    const recorded = record.outcome === 'issued' ? requestOfRecord(record, candidate.policies.bundle) : undefined;
    if (record.outcome === 'refused' || recorded === undefined) {
      found.leftOut += 1;
      return;
    }
    const question = { ...recorded, nowMs };
    const verdict = replayer.judge(question);
    if (verdict.outcome === 'approved') return;
    found[verdict.outcome] += 1;
    if (verdict.outcome === 'undecided' || listed.length >= MAX_LISTED) return;
    const renewal = reevaluate(
      candidate.policies,
      { ...question, currentCertificate: currentFrom(record) },
      candidate.snapshot,
    );
    const { identity, serial, notAfterMs, decisionId } = record;
    const renewable = renewal.verdict.outcome === 'approved';
    listed.push({ identity, serial, notAfterMs, decisionId, refusalReason: verdict.refusalReason, renewable });
  };
  const query = { outcome: 'issued', validAtMs: nowMs } as const;
  const live = await readJournal({ file, query, progress }, invocation, examine);
  return { live, ...found, listed };
}

function currentFrom(record: IssuedRecord) {
  return { issuedMs: record.timeMs, notAfterMs: record.notAfterMs, waived: waivedIn(record) };
}
