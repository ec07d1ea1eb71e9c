// The HTTP listener for probes and scrapers. It stands apart from the gRPC listeners, so that an
// operator sees a server that is not ready or overloaded.
import { once } from 'node:events';
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import type { Server as HttpsServer } from 'node:https';
import type { Socket } from 'node:net';
import { getRequestListener } from '@hono/node-server';
import type { Hono } from 'hono';
import { AuthorityError } from '../../../domain/errors.ts';
import { sourceOf } from '../../../domain/identity/source.ts';
import { Places } from '../../../domain/bounded/places.ts';
import { listeningProblem } from '../../../domain/text/system-error.ts';

/** What answers each request: a Hono, whatever it keeps beside it. */
export type Answering = Pick<Hono, 'fetch'>;

export interface HttpSettings {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
}

export interface HttpServerSettings extends HttpSettings {
  /** What an operator calls the address. */
  readonly name?: string;
  /** Where several processes listen on it. */
  readonly reusePort?: boolean;
}

/** A probe needs a few hundred bytes of headers and a few milliseconds. */
export const LIMITS = {
  maxHeaderSize: 8 * 1024,
  headersTimeout: 5_000,
  requestTimeout: 10_000,
  keepAliveTimeout: 15_000,
  connectionsCheckingInterval: 1_000,
} as const;
/** Scrapers and probes of one server, with much room; for one more, the source that has most makes way. */
export const MAX_CONNECTIONS = 128;
/** How long answers in flight may take once the server stops. */
const CLOSE_WITHIN_MS = 1_000;

export class HttpServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #settings: HttpServerSettings;

  constructor({ routes }: { readonly routes: Hono }, settings: HttpServerSettings) {
    this.#settings = settings;
    this.#server = serverOf(routes);
  }

  /**
   * Resolves once connections are accepted. The signal ends only the starting.
   * @throws AuthorityError `config_invalid` (CAP-X03) naming an address that cannot be listened on.
   */
  async start(options: { readonly signal: AbortSignal }): Promise<void> {
    const { reusePort = false, name = 'the HTTP address' } = this.#settings;
    await listen(this.#server, { ...this.#settings, reusePort, name }, options);
  }

  address(): string {
    return boundAddress(this.#server);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await closeServer(this.#server);
  }
}

/**
 * Resolves once connections are accepted. The signal ends only the starting.
 * @param place `name` is what an operator calls the address; `reusePort` where several processes listen on it.
 * @throws AuthorityError `config_invalid` (CAP-X03) naming an address that cannot be listened on.
 */
export async function listen(
  server: Server | HttpsServer,
  { host, port, reusePort, name }: HttpSettings & { readonly reusePort: boolean; readonly name: string },
  { signal }: { readonly signal: AbortSignal },
): Promise<void> {
  signal.throwIfAborted();
  server.listen({ host, port, reusePort });
  try {
    await once(server, 'listening', { signal });
  } catch (cause) {
    server.close();
    signal.throwIfAborted();
    throw new AuthorityError('CAP-X03', { detail: `${name} ${host}:${port} ${listeningProblem(cause)}`, cause });
  }
}

/** @returns `host:port` as a server that listens was bound; an IPv6 host stands in brackets. */
export function boundAddress(server: Server | HttpsServer): string {
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('the listener is not started');
  return bound.family === 'IPv6' ? `[${bound.address}]:${bound.port}` : `${bound.address}:${bound.port}`;
}

/** A server within our limits, with one request of a connection at a time; it does not listen yet. */
export function serverOf(routes: Answering): Server {
  const server = createServer(LIMITS);
  boundServer(server, routes);
  return server;
}

/** In the URL of a request that names no host, as health checks by HTTP/1.0 do. It opens nothing: rules about hosts look at the header. */
const UNNAMED = 'unnamed.invalid';

/** Has a server, plain or over TLS, answer by these routes, within the same limits. */
export function boundServer(server: Server | HttpsServer, routes: Answering, maxConnections = MAX_CONNECTIONS): void {
  const listener = getRequestListener(routes.fetch, { overrideGlobalObjects: false, hostname: UNNAMED });
  const busy = new WeakSet<Socket>();
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request;
    // Node takes as many as were sent ahead (RFC 9112, 9.3.2), each of which asks every worker. No prober sends ahead.
    if (busy.has(socket)) {
      socket.destroy();
      return;
    }
    busy.add(socket);
    response.once('close', () => busy.delete(socket));
    void listener(request, response);
  });
  boundConnections(server, maxConnections);
}

/** A stranger who holds connections must not keep out the probe that says whether this server is alive. */
function boundConnections(server: Server | HttpsServer, most: number): void {
  const places = new Places<Socket>();
  server.on('connection', (socket: Socket) => {
    const source = sourceOf(`${socket.remoteAddress ?? 'unix'}:${socket.remotePort ?? ''}`);
    if (places.size >= most) endOldestOfLargest(places);
    places.add(source, socket);
    socket.once('close', () => places.remove(source, socket));
  });
}

function endOldestOfLargest(places: Places<Socket>): void {
  const largest = places.largestOwner() ?? '';
  const oldest = places.oldestOf(largest);
  if (oldest === undefined) return;
  places.remove(largest, oldest);
  oldest.destroy();
}

/** Resolves when answers in flight have left, at the latest after a second. */
export async function closeServer(server: Server | HttpsServer): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  const deadline = setTimeout(() => server.closeAllConnections(), CLOSE_WITHIN_MS);
  await closed;
  clearTimeout(deadline);
}
