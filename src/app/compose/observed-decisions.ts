// Who hears of decisions beside log and metrics.
import type { Events } from '../../ports/platform/events.ts';
import type { DecisionObserver } from '../../ports/policy/decision-observer.ts';

/** @returns the same events, of which each decision is passed on once it is reported. */
export function observedDecisions(events: Events, observers: readonly DecisionObserver[]): Events {
  if (observers.length === 0) return events;
  return {
    ...events,
    decided: (record, facts) => {
      events.decided(record, facts);
      for (const observer of observers) observer.decided(record, { counted: facts.counted === true });
    },
  };
}
