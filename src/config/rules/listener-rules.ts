// Rules about the addresses of listeners: of two that want the same one, one is not opened, and the server ends as it starts.
import { isIP } from 'node:net';
import type { Config } from '../schema.ts';
import type { HostPort } from '../shapes/shapes.ts';
import type { Rule } from './rules.ts';

/** Each by what it listens at, if it does; of two that clash the later one is the one to change. */
const LISTENERS: readonly (readonly [name: string, addressIn: (config: Config) => HostPort | undefined])[] = [
  ['listen.tls', ({ listen }) => listen.tls.address],
  ['listen.plaintext', ({ listen }) => listen.plaintext.address],
  ['listen.http', ({ listen }) => listen.http.address],
  ['listen.metrics', ({ listen }) => listen.metrics.address],
  ['listen.administration', ({ listen }) => listen.administration.address],
  ['listen.console', ({ listen }) => listen.console.address],
  ['trustAnchors.endpoint', ({ trustAnchors }) => trustAnchors.endpoint.address],
  ['crl', ({ crl }) => crl.address],
  ['cluster.kubernetes.admission', ({ cluster }) => cluster.kubernetes.admission.address],
];

export const LISTENER_RULES: readonly Rule[] = LISTENERS.flatMap(([name, addressIn], index) =>
  LISTENERS.slice(0, index).map(([other, otherIn]) => ({
    reads: [`${name}.address`, `${other}.address`] as const,
    check: (config: Config) => {
      const [one, another] = [addressIn(config), otherIn(config)];
      return one !== undefined && another !== undefined && clash(one, another)
        ? [{ problem: `is taken by ${other}.address too` }]
        : [];
    },
  })),
);

/** What a name stands for is not known here. */
function clash(one: HostPort, other: HostPort): boolean {
  if (one.port === 0 || one.port !== other.port) return false;
  return one.host === other.host || covers(one.host, other.host) || covers(other.host, one.host);
}

/** `::` is every IPv4 address too, as the platform opens it. */
function covers(host: string, other: string): boolean {
  return host === '::' || (host === '0.0.0.0' && (isIP(other) === 4 || other === '::'));
}
