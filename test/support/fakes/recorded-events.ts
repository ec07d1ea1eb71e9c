// Events that are remembered in order instead of logged.
import type { Events } from '../../../src/ports/platform/events.ts';

export interface RecordedEvent {
  readonly event: keyof Events;
  /** The event's first argument; for `decided` the record and the facts in one object. */
  readonly facts: Readonly<Record<string, unknown>>;
}

export type RecordedEvents = Events & {
  readonly log: RecordedEvent[];
  /** The facts of each event of that name, in order. */
  of(event: keyof Events): Readonly<Record<string, unknown>>[];
};

export function recordEvents(): RecordedEvents {
  const log: RecordedEvent[] = [];
  const own = { log, of: (name: keyof Events) => log.filter(({ event }) => event === name).map(({ facts }) => facts) };
  return new Proxy(own, {
    get: (target, name): unknown =>
      name in target || typeof name === 'symbol' || name === 'then'
        ? Reflect.get(target, name)
        : recorder(log, name as keyof Events),
  }) as unknown as RecordedEvents;
}

function recorder(log: RecordedEvent[], event: keyof Events) {
  return (...facts: object[]): void =>
    void log.push({ event, facts: Object.assign({}, ...facts) as Readonly<Record<string, unknown>> });
}
