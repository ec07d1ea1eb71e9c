// What the last look for rogue CAs found, read at each scrape.
import type { Meter } from '@opentelemetry/api';
import { METRICS } from './metric-table.ts';

export interface ObservedRogues {
  /** By kind; nothing before the first look. */
  readonly counts: Readonly<Record<string, number>> | undefined;
  /** Since its end. */
  readonly ageMs: number | undefined;
}

export function observeRogues(meter: Meter, seen: ObservedRogues): void {
  const { rogueCas, rogueLookAge } = METRICS;
  meter.createObservableGauge(rogueCas.name, { description: rogueCas.help }).addCallback((result) => {
    for (const [kind, count] of Object.entries(seen.counts ?? {})) result.observe(count, { kind });
  });
  meter.createObservableGauge(rogueLookAge.name, { description: rogueLookAge.help }).addCallback((result) => {
    if (seen.ageMs !== undefined) result.observe(seen.ageMs / 1000);
  });
}
