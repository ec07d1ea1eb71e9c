// The state of each issuer and what is due for it, read at each scrape.
import type { Meter } from '@opentelemetry/api';
import type { LifecycleState } from '../../../domain/trust/issuer-state.ts';
import { METRICS } from './metric-table.ts';

export interface ObservedIssuer {
  /** As policies call it. */
  readonly name: string;
  readonly state: LifecycleState | 'unavailable';
}

export function observeIssuers(meter: Meter, given: () => readonly ObservedIssuer[]): void {
  const { name: metric, help } = METRICS.issuerState;
  meter.createObservableGauge(metric, { description: help }).addCallback((result) => {
    for (const { name, state } of given()) result.observe(1, { issuer: name, state });
  });
}

export interface ObservedRollover {
  /** As policies call the issuer. */
  readonly name: string;
  /** What is due next and when; absent where it depends on somebody. */
  readonly due?: { readonly step: 'ask' | 'activate'; readonly atMs: number } | undefined;
  /** For how long it has been failing. */
  readonly failingMs: number;
}

export function observeRollovers(meter: Meter, given: () => readonly ObservedRollover[]): void {
  const { issuerRolloverDue, upstreamFailing } = METRICS;
  meter.createObservableGauge(issuerRolloverDue.name, { description: issuerRolloverDue.help }).addCallback((result) => {
    for (const { name, due } of given()) {
      if (due !== undefined) result.observe(due.atMs / 1000, { issuer: name, step: due.step });
    }
  });
  meter.createObservableGauge(upstreamFailing.name, { description: upstreamFailing.help }).addCallback((result) => {
    for (const { name, failingMs } of given()) result.observe(failingMs / 1000, { issuer: name });
  });
}
