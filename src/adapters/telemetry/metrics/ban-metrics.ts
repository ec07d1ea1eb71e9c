// How many bans there are of each kind, read at each scrape.
import type { Meter } from '@opentelemetry/api';
import { BAN_KINDS, type BanTarget } from '../../../domain/revocation/ban.ts';
import { METRICS } from './metric-table.ts';

export function observeBans(meter: Meter, given: () => readonly BanTarget['kind'][]): void {
  const { name, help } = METRICS.bans;
  meter.createObservableGauge(name, { description: help }).addCallback((result) => {
    const kinds = given();
    for (const kind of BAN_KINDS) result.observe(kinds.filter((one) => one === kind).length, { kind });
  });
}
