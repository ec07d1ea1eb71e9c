// How long until the first live workload has no valid certificate, if nothing more is issued: a workload's certificate that ends
// last, and of all workloads the earliest of these ends. Who is gone must not count, or the budget would be used up by the dead; who
// ran out because nothing could be issued must, or the worst of an outage would look like the end of it.
//
// Who is overdue (renewal.ts) is dead or gone. Only time in which it could have come counts: while nothing can be issued to
// it it is not late, and after that it has as long as before, also where its certificate has ended meanwhile.
import { concerns, lostMs, type Interruption } from './interruption.ts';
import { renewalOf } from './renewal.ts';
import type { WorkloadEvidence } from './rotation/evidence.ts';

type Held = Pick<WorkloadEvidence, 'leaf' | 'live' | 'cluster' | 'podUid'>;

export interface RenewalFacts {
  readonly interruptions: readonly Interruption[];
  /** Share of its life after which a certificate is renewed over SDS. */
  readonly sdsRenewAt: number;
}

/** @returns when it has no valid certificate any more, in ms since the epoch, which may be over; nothing for one that is overdue. */
export function endOf(workload: Held, facts: RenewalFacts, nowMs: number): number | undefined {
  if (isOverdue(workload, facts, nowMs)) return undefined;
  return workload.live.reduce((ms, { latestEndMs }) => Math.max(ms, latestEndMs), workload.leaf.notAfterMs);
}

function isOverdue(workload: Held, { interruptions, sdsRenewAt }: RenewalFacts, nowMs: number): boolean {
  const { leaf } = workload;
  const { renewalMs: dueMs, overdueMs } = renewalOf(leaf, { sdsRenewAt });
  const graceMs = overdueMs - dueMs;
  if (nowMs - dueMs <= graceMs) return false;
  const { cluster = '', podUid } = workload;
  const holder = { issuerName: leaf.issuerName, cluster, podUid };
  const its = interruptions.filter(({ barred }) => concerns(barred, holder));
  return nowMs - dueMs - lostMs(its, dueMs, nowMs) > graceMs;
}
