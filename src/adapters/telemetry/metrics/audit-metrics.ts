// How far the proof of the journal is behind it.
import type { Meter } from '@opentelemetry/api';
import { METRICS } from './metric-table.ts';

export interface ObservedAudit {
  /** Nothing where another process makes heads. */
  readonly unsignedMs: () => number | undefined;
  readonly unwitnessed: () => number | undefined;
}

export function observeAudit(meter: Meter, { unsignedMs, unwitnessed }: ObservedAudit): void {
  const observe = (key: 'auditUnsigned' | 'auditUnwitnessed', read: () => number | undefined): void => {
    const { name, help } = METRICS[key];
    meter.createObservableGauge(name, { description: help }).addCallback((result) => {
      const value = read();
      if (value !== undefined) result.observe(value);
    });
  };
  const unsignedSeconds = (): number | undefined => {
    const ms = unsignedMs();
    return ms === undefined ? undefined : ms / 1000;
  };
  observe('auditUnsigned', unsignedSeconds);
  observe('auditUnwitnessed', unwitnessed);
}
