// The states that `/readyz` tells, as numbers: read from the same report at each scrape, so that an alert
// and a probe cannot disagree.
import type { Meter } from '@opentelemetry/api';
import { METRICS, type MetricOf } from './metric-table.ts';

export interface ObservedPart {
  readonly part: string;
  readonly state: 'ready' | 'degraded' | 'not ready';
}

/** Each part has a series of both metrics, whatever its state. */
export function observeParts(meter: Meter, report: () => readonly ObservedPart[]): void {
  const gauge = (key: MetricOf<'observed-gauge'>, holds: (state: ObservedPart['state']) => boolean): void => {
    const { name, help } = METRICS[key];
    meter.createObservableGauge(name, { description: help }).addCallback((result) => {
      for (const { part, state } of report()) result.observe(holds(state) ? 1 : 0, { part });
    });
  };
  gauge('partReady', (state) => state !== 'not ready');
  gauge('partDegraded', (state) => state === 'degraded');
}
