// A grpc-js server that owns no port: listeners hand it their connections. One per listener, so that a
// handler knows its listener from its registration.
import { once } from 'node:events';
import { constants, type ServerHttp2Session } from 'node:http2';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { Server, ServerCredentials } from '@grpc/grpc-js';
import { AuthorityError } from '../../domain/errors.ts';
import { onConnection } from './listeners/call-connection.ts';
import type { ListenerView, ServiceRegistration } from './listeners/listener-view.ts';
import { guardStreams } from './stream-guard.ts';

export interface StreamLimits {
  /** Calls at a time on one connection; a setting that clients keep to by waiting (RFC 9113 section 5.1.2). */
  readonly maxStreamsPerConnection: number;
  readonly keepalive?: Keepalive;
}

export interface Keepalive {
  /** How long a connection may be quiet before it is asked for a sign of life. */
  readonly quietMs: number;
  /** How long the sign may take. */
  readonly answerWithinMs: number;
}

/**
 * The largest request. grpc-js answers RESOURCE_EXHAUSTED above it, before any service sees the request; each
 * service has a lower bound of its own.
 */
export const MAX_REQUEST_BYTES = 1024 * 1024;

/** A request of 1 MiB over a bad line, with room. */
export const REQUEST_ARRIVAL_MS = 10_000;

/** Finds clients that are gone without closing; agents ping us themselves, every 30 s. */
const KEEPALIVE: Keepalive = { quietMs: 60_000, answerWithinMs: 20_000 };

/** How long a client may take to close after GOAWAY: closing first could cut off the last answer. */
const LINGER_MS = 250;

/** The largest there is: all streams that are on their way are still taken (RFC 9113 section 6.8). */
const LAST_STREAM_ID = 2 ** 31 - 1;
/** By then GOAWAY has arrived, however far away the client is. */
const GOAWAY_NOTICE_MS = 2_000;

export class GrpcServer {
  readonly #server: Server;
  readonly #injector: { injectConnection(connection: Duplex): void };
  readonly #draining = new AbortController();
  readonly #unaryPaths = new Set<string>();
  #endGuard: (() => void) | undefined;
  /** Those on which something was asked; grpc-js does not hand them out. */
  readonly #sessions = new Map<string, ServerHttp2Session>();
  /** No bound of its own: each listener bounds what it accepts. */
  readonly #open = new Set<Duplex>();

  constructor({ maxStreamsPerConnection, keepalive = KEEPALIVE }: StreamLimits) {
    this.#server = new Server({
      'grpc.keepalive_time_ms': keepalive.quietMs,
      'grpc.keepalive_timeout_ms': keepalive.answerWithinMs,
      'grpc.max_concurrent_streams': maxStreamsPerConnection,
      'grpc.max_receive_message_length': MAX_REQUEST_BYTES,
      // Its bookkeeping per call is never read.
      'grpc.enable_channelz': 0,
    });
    this.#injector = this.#server.createConnectionInjector(ServerCredentials.createInsecure());
  }

  get draining(): AbortSignal {
    return this.#draining.signal;
  }

  register(services: readonly ServiceRegistration[], listener: ListenerView): void {
    const addService: Server['addService'] = (service, handlers) => {
      for (const method of Object.values(service)) {
        if (!method.requestStream) this.#unaryPaths.add(method.path);
      }
      this.#server.addService(service, handlers);
    };
    for (const register of services) register({ addService }, listener);
  }

  /** For listeners that strangers can reach; until the server is drained. See `guardStreams`. */
  guard(requestArrivalMs: number): void {
    const onSession = (session: ServerHttp2Session): void => this.#know(session);
    this.#endGuard = guardStreams({ unaryPaths: this.#unaryPaths, requestArrivalMs, onSession });
  }

  #know(session: ServerHttp2Session): void {
    // Node types it as always there.
    const socket = session.socket as Socket | undefined;
    if (socket?.remoteAddress === undefined) return;
    const key = connectionKey(socket);
    this.#sessions.set(key, session);
    session.once('close', () => {
      if (this.#sessions.get(key) === session) this.#sessions.delete(key);
    });
  }

  /** Takes a connection that speaks HTTP/2 from its next byte on. */
  serve(connection: Duplex): void {
    this.#open.add(connection);
    connection.once('close', () => this.#open.delete(connection));
    // Without this listener a reset before the HTTP/2 session has its own would end the process.
    connection.on('error', () => undefined);
    onConnection(connection, () => this.#injector.injectConnection(connection));
  }

  /**
   * Sends GOAWAY on one connection: first with the highest stream id, so that no stream on its way is lost, then
   * with the last one taken (RFC 9113 section 6.8). Calls and streams end as they would; the last closes the connection.
   * Only behind `guard`.
   * @param graceMs after which what is still open is closed.
   */
  sendGoaway(connection: Socket, graceMs: number): void {
    const session = this.#sessions.get(connectionKey(connection));
    if (session === undefined) {
      // Nothing was ever asked on it, so nothing is lost.
      connection.destroy();
      return;
    }
    session.goaway(constants.NGHTTP2_NO_ERROR, LAST_STREAM_ID);
    const close = setTimeout(() => session.close(), Math.min(GOAWAY_NOTICE_MS, graceMs / 2));
    const destroy = setTimeout(() => session.destroy(), graceMs);
    session.once('close', () => {
      clearTimeout(close);
      clearTimeout(destroy);
    });
  }

  /** GOAWAY to all; resolves when the calls in flight have ended and their answers left, at the latest soon after the deadline. */
  async drain({ deadlineMs }: { readonly deadlineMs: number }): Promise<void> {
    this.#draining.abort(new AuthorityError('CAP-S03'));
    // Its callback does not wait for open streams on a Node that closes sessions by itself, as 26 does. What
    // shows that a session is done is that it ends its connection.
    this.#server.tryShutdown(() => undefined);
    const open = [...this.#open];
    await within(deadlineMs, open.map(ended));
    await within(LINGER_MS, open.map(closed));
    this.#server.forceShutdown();
    for (const connection of open) connection.destroy();
    this.#endGuard?.();
  }
}

async function ended(connection: Duplex): Promise<unknown> {
  return connection.writableFinished ? undefined : Promise.race([once(connection, 'finish'), closed(connection)]);
}

async function closed(connection: Duplex): Promise<unknown> {
  return connection.closed ? undefined : once(connection, 'close');
}

async function within(ms: number, ends: readonly Promise<unknown>[]): Promise<void> {
  let deadline: NodeJS.Timeout | undefined;
  const late = new Promise((resolve) => (deadline = setTimeout(resolve, ms)));
  await Promise.race([Promise.allSettled(ends), late]);
  clearTimeout(deadline);
}

/** Names a TCP connection among all of this machine. */
function connectionKey({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}
