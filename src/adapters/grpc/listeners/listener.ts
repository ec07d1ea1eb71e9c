// What every listener offers to the lifecycle, and how one that cannot open says so.
import { once } from 'node:events';
import type { ListenOptions, Server, Socket } from 'node:net';
import { AuthorityError } from '../../../domain/errors.ts';
import { listeningProblem } from '../../../domain/text/system-error.ts';

export interface Listener {
  /**
   * Resolves once connections are accepted. The signal ends only the starting.
   * @throws AuthorityError `config_invalid` (CAP-X03) naming the address and what is wrong with it.
   */
  start(options: { readonly signal: AbortSignal }): Promise<void>;
  /** Where it listens, as it was bound. */
  address(): string;
  /** Refuses new connections from now on; open ones stay. May be called twice. */
  stopAccepting(): void;
  /**
   * Tells every client to go elsewhere (GOAWAY), waits for the calls in flight, and closes what is
   * left at the deadline. Implies `stopAccepting`.
   */
  drain(options: { readonly deadlineMs: number }): Promise<void>;
}

/** A storm of reconnecting agents waits in the kernel; the kernel cuts this to its own maximum. */
const BACKLOG = 4096;

/** @param named how an operator knows the address, such as `the TLS address 127.0.0.1:15012`. */
export async function listen(
  server: Server,
  where: ListenOptions,
  { named, signal }: { readonly named: string; readonly signal: AbortSignal },
): Promise<void> {
  signal.throwIfAborted();
  server.listen({ ...where, backlog: BACKLOG });
  try {
    await once(server, 'listening', { signal });
  } catch (cause) {
    server.close();
    signal.throwIfAborted();
    throw cannotListen(named, cause);
  }
}

export function cannotListen(named: string, cause: unknown): AuthorityError {
  return new AuthorityError('CAP-X03', { detail: `${named} ${listeningProblem(cause)}`, cause });
}

/** @returns `host:port`; an IPv6 host stands in brackets. */
export function hostAndPort(server: Server): string {
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('the listener is not started');
  return bound.family === 'IPv6' ? `[${bound.address}]:${bound.port}` : `${bound.address}:${bound.port}`;
}

/** Open connections stay. May be called twice. */
export function stopListening(server: Server): void {
  if (server.listening) server.close();
}

/** As grpc-js spells it for a handler; `undefined` when the client is gone already. */
export function peerOf(socket: Socket): string | undefined {
  return socket.remoteAddress === undefined ? undefined : `${socket.remoteAddress}:${socket.remotePort ?? ''}`;
}
