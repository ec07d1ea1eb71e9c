// What the inventory says of itself, read at each scrape: no series where it is kept elsewhere.
import type { Meter } from '@opentelemetry/api';
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
