// The states that `/readyz` tells, as numbers: read from the same report at each scrape, so that an alert
// and a probe cannot disagree.
import type { Meter } from '@opentelemetry/api';
import type { Health, PartHealth } from '../../../ports/platform/health.ts';
import { METRICS, type MetricOf } from './metric-table.ts';

/** Each part has a series of both metrics, whatever its state. */
export function observeHealth(meter: Meter, health: Pick<Health, 'parts'>): void {
  const gauge = (key: MetricOf<'observed-gauge'>, holds: (state: PartHealth['state']) => boolean): void => {
    const { name, help } = METRICS[key];
    meter.createObservableGauge(name, { description: help }).addCallback((result) => {
      for (const { part, state } of health.parts()) result.observe(holds(state) ? 1 : 0, { part });
    });
  };
  gauge('partReady', (state) => state !== 'not ready');
  gauge('partDegraded', (state) => state === 'degraded');
}
