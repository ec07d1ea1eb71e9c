// Whether the time that policy bundles are judged by is the clock's.
import type { Clock } from '../../../ports/platform/clock.ts';
import { degraded, notReady, READY, type HealthState } from '../../../ports/platform/health.ts';
import type { PolicyBundleSource } from './sources/bundle-source.ts';

/** Clocks differ by less, and are corrected by less. */
const AHEAD_MS = 5 * 60_000;

/**
 * A clock that was ahead for a while leaves bundles judged as of then: told when that is more than a clock's ordinary
 * correction, and not ready when it is what refuses everybody.
 */
export function policyTimeHealth(bundles: PolicyBundleSource, clock: Pick<Clock, 'nowMs'>): HealthState {
  const nowMs = clock.nowMs();
  const timeMs = bundles.timeMs();
  if (timeMs - nowMs <= AHEAD_MS) return READY;
  const [time, now] = [timeMs, nowMs].map((ms) => new Date(ms).toISOString());
  const why = `policy bundles are judged as of ${time}, ahead of the clock (${now}); if the clock is right, \`capstan bundle reset-time\` sets it back`;
  const { hardExpiryMs, renewAfterHardExpiry } = bundles.current().bundle.validity;
  const refusesAll = timeMs >= hardExpiryMs && nowMs < hardExpiryMs && !renewAfterHardExpiry;
  return refusesAll ? notReady(why) : degraded(why);
}
