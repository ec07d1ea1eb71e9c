// How far the policies in force are from those that should be, read at each scrape: no series where nothing says what should be.
import type { Meter } from '@opentelemetry/api';
import { DRIFT_KINDS, type PolicyDrift } from '../../../domain/policy/history/policy-drift.ts';
import { METRICS } from './metric-table.ts';

export interface ObservedDrift {
  readonly drifts: readonly Pick<PolicyDrift, 'drift'>[];
  /** Why it cannot be known; `drifts` are those of before then. */
  readonly problem?: string;
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
