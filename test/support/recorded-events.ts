// Events, kept in the order in which they happened.
import type { Events } from '../../src/ports/events.ts';

export interface RecordedEvent {
  readonly event: keyof Events;
  readonly facts: readonly unknown[];
}

export function recordEvents(): Events & { readonly log: RecordedEvent[] } {
  const log: RecordedEvent[] = [];
  const handler = {
    get: (_: object, event: string) =>
      event === 'log' ? log : (...facts: unknown[]) => void log.push({ event: event as keyof Events, facts }),
  };
  return new Proxy({}, handler) as Events & { readonly log: RecordedEvent[] };
}
