// Where a server with a configuration is reached from beside it, as in its own pod: no Service and no NetworkPolicy in between.
import { isIPv6 } from 'node:net';
import type { Config } from '../../config/schema.ts';
import type { HostPort } from '../../config/shapes/shapes.ts';

/** Those that stand for every address of the machine, and what reaches one of them. */
const EVERYWHERE: Readonly<Record<string, string>> = { '0.0.0.0': '127.0.0.1', '::': '::1' };

export interface OwnListeners {
  readonly server: HostPort;
  /** URL. */
  readonly observation: string;
}

export function ownListeners({ listen }: Pick<Config, 'listen'>): OwnListeners {
  const { host, port } = reached(listen.http.address);
  return {
    server: reached(listen.tls.address),
    observation: `http://${isIPv6(host) ? `[${host}]` : host}:${port}`,
  };
}

function reached({ host, port }: HostPort): HostPort {
  return { host: EVERYWHERE[host] ?? host, port };
}
