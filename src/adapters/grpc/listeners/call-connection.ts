// Who ended a call that was cancelled. grpc-js tells a handler no more than an address, and of a Unix socket not
// even that, so the connection of a call is known by its async context: all that happens on an HTTP/2 session
// happens in the context in which the session was made.
import { AsyncLocalStorage } from 'node:async_hooks';
import type { Duplex } from 'node:stream';
import { codeOf } from '../../../domain/text/system-error.ts';

const connections = new AsyncLocalStorage<Duplex>();

/** Makes the HTTP/2 session of a connection in `work`. */
export function onConnection(connection: Duplex, work: () => void): void {
  connections.run(connection, work);
}

/**
 * Asked when a handler begins.
 * @returns what to ask once the call was cancelled: how it ended, in words for the log.
 */
export function callConnection(): () => string {
  const connection = connections.getStore();
  return () => (connection === undefined ? 'the client is gone' : howItEnded(connection));
}

function howItEnded(connection: Duplex): string {
  const { errored, readableEnded, destroyed, writableEnded } = connection;
  if (errored) return `the connection broke (${codeOf(errored) ?? errored.message})`;
  if (readableEnded) return 'the client closed the connection';
  if (destroyed) return 'the connection was closed by this server';
  // grpc-js ends the connection, and does not destroy it, when a ping of its keepalive stays without an answer.
  if (writableEnded) return 'the client did not answer a keepalive ping';
  return 'the client cancelled the stream';
}
