// Who reads the pages that are served without TLS: whoever is on the same machine, or in the same pod. A connection with both ends
// on loopback has crossed no network; one from elsewhere is a stranger's, whatever it shows. So is one by a name that anybody may have
// in the DNS: a page of a browser on this machine asks so once its own name was led to loopback (DNS rebinding). A proxy beside the
// server hands on what it was asked by: an address, or a name of the cluster, of which the DNS at large has none.
import { isIP } from 'node:net';
import type { Events } from '../../../ports/platform/events.ts';
import { hostOf, isOnLoopback, sourceOn } from '../connection-of.ts';
import type { Readers } from './routes.ts';

export function loopbackReaders(events: Pick<Events, 'observed'>): Readers {
  return {
    mayRead: (environment) => isOnLoopback(environment) && isNobodys(hostOf(environment)),
    note: (environment, { refused }) =>
      events.observed({ reader: refused ? 'stranger' : 'local', refused, source: sourceOn(environment) }),
  };
}

/** Top-level names that nobody registers: RFC 6761 and 6762, `internal` (ICANN, 2024), and what Kubernetes calls a Service. */
const NOT_REGISTERED = /(?:^|\.)(?:localhost|local|internal|svc)$/;

/** @param host as in the header, in lower case and without the port. */
function isNobodys(host: string): boolean {
  return isIP(host) !== 0 || !host.includes('.') || NOT_REGISTERED.test(host);
}
