// Who reads the pages that are served without TLS: whoever is on the same machine, or in the same pod. A connection with both ends
// on loopback has crossed no network; one from elsewhere is a stranger's, whatever it shows.
import type { Events } from '../../../ports/platform/events.ts';
import { isOnLoopback, sourceOn } from '../connection-of.ts';
import type { Readers } from './routes.ts';

export function loopbackReaders(events: Pick<Events, 'observed'>): Readers {
  return {
    mayRead: isOnLoopback,
    note: (environment, { refused }) =>
      events.observed({ reader: refused ? 'stranger' : 'local', refused, source: sourceOn(environment) }),
  };
}
