// How long until the first live workload has no valid certificate, if nothing more is issued: a workload's certificate that ends
// last, and of all workloads the earliest of these ends. Who is gone must not count, or the budget would be used up by the dead.
//
// A client renews at half of the life of its newest certificate, as Istio's agent and ztunnel do; over SDS this CA does, at a share of
// its own. Of what is then left, one that has not come after half is dead or gone: at three quarters of the life. Only time in which
// it could have come counts: while nothing can be issued nobody is late, and after it everybody has as long as before.
import type { WorkloadEvidence } from './rotation/evidence.ts';

/** A time in which nothing could be issued, in ms since the epoch. */
export interface Interruption {
  readonly fromMs: number;
  readonly toMs: number;
}

type Held = Pick<WorkloadEvidence, 'leaf' | 'live'>;

export interface RenewalFacts {
  readonly interruptions: readonly Interruption[];
  /** Share of its life after which a certificate is renewed over SDS. */
  readonly sdsRenewAt: number;
}

const CLIENTS_RENEW_AT = 1 / 2;

/** @returns when it has no valid certificate any more, in ms since the epoch; nothing for one that is overdue. */
export function endOf(workload: Held, facts: RenewalFacts, nowMs: number): number | undefined {
  if (isOverdue(workload, facts, nowMs)) return undefined;
  return workload.live.reduce((ms, { latestEndMs }) => Math.max(ms, latestEndMs), workload.leaf.notAfterMs);
}

function isOverdue({ leaf }: Held, { interruptions, sdsRenewAt }: RenewalFacts, nowMs: number): boolean {
  const lifeMs = leaf.notAfterMs - leaf.issuedMs;
  const dueMs = leaf.issuedMs + lifeMs * (leaf.api === 'sds' ? sdsRenewAt : CLIENTS_RENEW_AT);
  const lostMs = interruptions.reduce((sum, { fromMs, toMs }) => sum + overlap(fromMs, toMs, dueMs, nowMs), 0);
  return nowMs - dueMs - lostMs > (leaf.notAfterMs - dueMs) / 2;
}

function overlap(fromMs: number, toMs: number, dueMs: number, nowMs: number): number {
  return Math.max(0, Math.min(toMs, nowMs) - Math.max(fromMs, dueMs));
}
