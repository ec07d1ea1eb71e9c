// How old what is known of each cluster is, read at each scrape.
import type { Meter } from '@opentelemetry/api';
import { METRICS } from './metric-table.ts';

export interface ObservedCluster {
  /** Its id. */
  readonly cluster: string;
  /** 0 while it is followed. */
  readonly staleMs: number;
}

export function observeClusters(meter: Meter, given: () => readonly ObservedCluster[]): void {
  const { name, help } = METRICS.clusterStale;
  meter.createObservableGauge(name, { description: help }).addCallback((result) => {
    for (const { cluster, staleMs } of given()) result.observe(staleMs / 1_000, { cluster });
  });
}
