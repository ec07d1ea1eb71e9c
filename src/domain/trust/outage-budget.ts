// How long until the first live workload has no valid certificate, if nothing more is issued: a workload's certificate that ends
// last, and of all workloads the earliest of these ends. Who is gone must not count, or the budget would be used up by the dead; who
// ran out because nothing could be issued must, or the worst of an outage would look like the end of it.
//
// Who is overdue (renewal.ts) is dead or gone. Only time in which it could have come counts: while nothing can be issued to
// it it is not late, and after that it has as long as before, also where its certificate has ended meanwhile.
import { renewalOf } from './renewal.ts';
import type { WorkloadEvidence } from './rotation/evidence.ts';

/** Whom something keeps from being issued to: with neither field everybody, with both whom both name. */
export interface Barred {
  /** Whose newest certificate is of the issuer of this name. */
  readonly issuer?: string;
  /** Pods of the cluster of this id; of the server's own, empty. */
  readonly cluster?: string;
}

/** A time in which nothing could be issued to those, in ms since the epoch. */
export interface Interruption {
  readonly fromMs: number;
  readonly toMs: number;
  readonly barred: Barred;
}

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

/**
 * @param longestLeafMs of the lives of certificates.
 * @returns those that make a difference to anybody yet: after half of a life in which they could come, all who had been kept are
 *   back or overdue.
 */
export function stillFelt(
  interruptions: readonly Interruption[],
  longestLeafMs: number,
  nowMs: number,
): readonly Interruption[] {
  return interruptions.filter(({ toMs }) => nowMs - toMs - lostMs(interruptions, toMs, nowMs) <= longestLeafMs / 2);
}

function isOverdue(workload: Held, { interruptions, sdsRenewAt }: RenewalFacts, nowMs: number): boolean {
  const { leaf } = workload;
  const { renewalMs: dueMs, overdueMs } = renewalOf(leaf, { sdsRenewAt });
  const graceMs = overdueMs - dueMs;
  if (nowMs - dueMs <= graceMs) return false;
  const its = interruptions.filter(({ barred }) => isBarred(workload, barred));
  return nowMs - dueMs - lostMs(its, dueMs, nowMs) > graceMs;
}

function isBarred({ leaf, cluster = '', podUid }: Held, barred: Barred): boolean {
  if (barred.issuer !== undefined && barred.issuer !== leaf.issuerName) return false;
  // Who is of no pod is asked for at no API server.
  return barred.cluster === undefined || (barred.cluster === cluster && podUid !== undefined);
}

/** How much of a time they take, where they overlap once. */
function lostMs(interruptions: readonly Interruption[], fromMs: number, toMs: number): number {
  let [sumMs, seenMs] = [0, fromMs];
  for (const one of interruptions.toSorted((a, b) => a.fromMs - b.fromMs)) {
    const endMs = Math.min(one.toMs, toMs);
    sumMs += Math.max(0, endMs - Math.max(one.fromMs, seenMs));
    seenMs = Math.max(seenMs, endMs);
  }
  return sumMs;
}
