// Each trust anchor by name, and the rotation that is under way, read at each scrape: what is over leaves the page too.
import type { Meter } from '@opentelemetry/api';
import { METRICS } from './metric-table.ts';

export interface ObservedAnchor {
  /** Hex SHA-256. */
  readonly sha256: string;
  readonly subject: string;
  readonly notAfterMs: number;
  readonly distributed: boolean;
}

export interface ObservedLaggards {
  readonly phase: string;
  readonly count: number;
}

/** A subject may be as long as its CA likes; a label may not. */
const MAX_SUBJECT = 120;

export function observeAnchors(meter: Meter, given: () => readonly ObservedAnchor[]): void {
  const { name, help } = METRICS.trustAnchorEnd;
  meter.createObservableGauge(name, { description: help }).addCallback((result) => {
    for (const { sha256, subject, notAfterMs, distributed } of given()) {
      const labels = {
        anchor: sha256.slice(0, 16),
        subject: subject.slice(0, MAX_SUBJECT),
        distributed: String(distributed),
      };
      result.observe(notAfterMs / 1000, labels);
    }
  });
}

export function observeRotation(meter: Meter, counted: () => ObservedLaggards | undefined): void {
  const { name, help } = METRICS.rotationLaggards;
  meter.createObservableGauge(name, { description: help }).addCallback((result) => {
    const laggards = counted();
    if (laggards !== undefined) result.observe(laggards.count, { phase: laggards.phase });
  });
}
