// What the inventory says of itself, read at each scrape: no series where it is kept elsewhere.
import type { Meter } from '@opentelemetry/api';
import { COVERAGE_STATES, type CoverageCounts } from '../../../domain/inventory/coverage.ts';
import { METRICS } from './metric-table.ts';

export interface ObservedInventory {
  /** How many are overdue. */
  readonly overdue: number | undefined;
  /** How old it is, in ms. */
  readonly ageMs: number | undefined;
}

export function observeInventory(meter: Meter, kept: ObservedInventory): void {
  const { overdueIdentities, inventoryAge } = METRICS;
  meter.createObservableGauge(overdueIdentities.name, { description: overdueIdentities.help }).addCallback((result) => {
    if (kept.overdue !== undefined) result.observe(kept.overdue);
  });
  meter.createObservableGauge(inventoryAge.name, { description: inventoryAge.help }).addCallback((result) => {
    if (kept.ageMs !== undefined) result.observe(kept.ageMs / 1000);
  });
}

/** Nothing where another process counts, or it is not known. */
export type CountedCoverage = () => CoverageCounts | undefined;

export function observeCoverage(meter: Meter, counted: CountedCoverage): void {
  const { name, help } = METRICS.coveragePods;
  meter.createObservableGauge(name, { description: help }).addCallback((result) => {
    const counts = counted();
    if (counts !== undefined) for (const state of COVERAGE_STATES) result.observe(counts[state], { state });
  });
}
