// How far policies are from what should be, and live certificates from policies, read at each scrape: no series where that is not known.
import type { Meter } from '@opentelemetry/api';
import { DRIFT_KINDS, type PolicyDrift } from '../../../domain/policy/history/policy-drift.ts';
import type { Reason } from '../../../domain/reasons.ts';
import { METRICS } from './metric-table.ts';

export interface ObservedDrift {
  readonly drifts: readonly Pick<PolicyDrift, 'drift'>[];
  /** Why it cannot be known; `drifts` are those of before then. */
  readonly problem?: string;
}

/** @param refused by the code of the first reason; nothing where another process counts. */
export function observeLiveCertificates(
  meter: Meter,
  refused: () => Readonly<Partial<Record<Reason, number>>> | undefined,
): void {
  const { name, help } = METRICS.liveCertificatesRefused;
  meter.createObservableGauge(name, { description: help }).addCallback((result) => {
    for (const [reason, count] of Object.entries(refused() ?? {})) result.observe(count, { reason });
  });
}

export function observePolicyDrift(meter: Meter, seen: () => ObservedDrift | undefined): void {
  const { name, help } = METRICS.policyDrift;
  meter.createObservableGauge(name, { description: help }).addCallback((result) => {
    const found = seen();
    if (found === undefined) return;
    for (const kind of DRIFT_KINDS) result.observe(found.drifts.filter(({ drift }) => drift === kind).length, { kind });
    result.observe(found.problem === undefined ? 0 : 1, { kind: 'unread' });
  });
}
