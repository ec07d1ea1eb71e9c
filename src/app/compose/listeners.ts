// Where clients come in: TLS, one Unix socket per workload, and plaintext where the network is trusted. Nothing is
// accepted before everything is loaded.
import { PlaintextListener } from '../../adapters/grpc/listeners/plaintext-listener.ts';
import { Sources } from '../../adapters/grpc/listeners/sources.ts';
import { TlsListener } from '../../adapters/grpc/listeners/tls-listener.ts';
import { UnixListener } from '../../adapters/grpc/listeners/unix/unix-listener.ts';
import type { Config } from '../../config/schema.ts';
import { notReady, READY } from '../../ports/platform/health.ts';
import { followSockets } from '../sockets/follow-sockets.ts';
import { SdsSockets, type WantedSocket } from '../sockets/sds-sockets.ts';
import { HandedSockets } from '../worker/handed-sockets.ts';
import type { Credentials } from './credentials/credentials.ts';
import type { Foundation } from './foundation.ts';
import type { Services } from './services.ts';

export interface Listeners {
  readonly tls: TlsListener;
  /** Absent where none is configured. */
  readonly plaintext: PlaintextListener | undefined;
  /** For a worker, those that its supervisor opened. */
  readonly sockets: SdsSockets | HandedSockets;
}

interface Former {
  readonly services: Services;
  readonly credentials: Credentials;
}

export function composeListeners(config: Config, foundation: Foundation, former: Former): Listeners {
  const { clock, events } = foundation;
  const { csr, sds } = former.services;
  const services = [csr, sds.register];
  const limits = { ...limitsOf(config), reusePort: foundation.worker !== undefined };
  const { tls: tlsSettings, plaintext: plaintextSettings, gateways } = config.listen;
  const tls = new TlsListener(
    { clock, events, services, sources: new Sources(gateways) },
    { ...limits, ...tlsSettings.address },
  );
  const plaintext =
    plaintextSettings.address === undefined
      ? undefined
      : new PlaintextListener({ events, services }, { ...limits, ...plaintextSettings.address });
  const sockets = composeSockets(config, foundation, former);
  const listeners = { tls, plaintext, sockets };
  runListeners(config, foundation, listeners);
  return listeners;
}

/** How they start and stop, and how the server tells that they are open. */
function runListeners(config: Config, foundation: Foundation, { tls, plaintext, sockets }: Listeners): void {
  const { watching, lifecycle, health, startUp, running } = foundation;
  const { drainDeadline: deadlineMs } = config.shutdown;
  const listeners = [tls, sockets, ...(plaintext === undefined ? [] : [plaintext])];
  let open = false;
  startUp.at('listen', async (options) => {
    await tls.start(options);
    await plaintext?.start(options);
    if (sockets instanceof SdsSockets) await followSockets(config, watching, sockets, { signal: running });
    else await sockets.start(options);
    open = true;
  });
  lifecycle.at('stop-accepting', 'listeners', () => listeners.forEach((listener) => listener.stopAccepting()));
  lifecycle.at('drain', 'listeners', async () => {
    await Promise.all(listeners.map(async (listener) => listener.drain({ deadlineMs })));
  });
  health.report('listeners', () => (open ? READY : notReady('they are not open yet')));
  if (sockets instanceof SdsSockets) health.report('sds-sockets', () => sockets.health());
}

/** The proxies of one workload on this node, with much room: no workload may use up the process's descriptors. */
const MAX_SOCKET_CONNECTIONS = 256;

/** Through one Unix socket. */
export function maxSocketConnections({ listen }: Config): number {
  return Math.min(listen.maxConnections, MAX_SOCKET_CONNECTIONS);
}

function composeSockets(
  config: Config,
  { events, worker }: Foundation,
  { services, credentials }: Former,
): Listeners['sockets'] {
  const { trustDomain } = config;
  const limits = { ...limitsOf(config), maxConnections: maxSocketConnections(config) };
  const open = (socket: WantedSocket): UnixListener =>
    new UnixListener({ events, services: [services.sds.register] }, { ...limits, ...placeOf(socket) });
  const { socketIdentities: identities } = credentials;
  if (worker !== undefined) {
    const parts = { link: worker.link, services: [services.sds.register], identities };
    return new HandedSockets(parts, { ...limits, trustDomain });
  }
  return new SdsSockets({ events, open, identities }, { trustDomain });
}

function placeOf({ path, mode, root }: WantedSocket) {
  return { path, mode, ...(root !== undefined && { root }) };
}

function limitsOf({ listen, cluster }: Config) {
  return {
    maxConnections: listen.maxConnections,
    nodeProxies: new Set(cluster.kubernetes.trustedNodeAccounts),
    unauthenticatedShare: listen.unauthenticatedShare,
    unauthenticatedTimeoutMs: listen.unauthenticatedTimeout,
    maxHandshakes: listen.maxHandshakes,
    handshakeTimeoutMs: listen.handshakeTimeout,
    maxStreamsPerConnection: listen.maxStreamsPerConnection,
  };
}
