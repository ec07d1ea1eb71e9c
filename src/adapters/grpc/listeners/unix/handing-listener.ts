// A Unix socket that accepts for other processes: nothing is read of a connection here, and none is kept.
import { createServer, type Socket } from 'node:net';
import type { Listener } from '../listener.ts';
import type { SocketPlace } from './socket-place.ts';
import { UnixSocket, type UnixSocketSettings } from './unix-socket.ts';

export interface HandingParts {
  /** The socket is open, at this place. */
  readonly opened: (place: SocketPlace) => void;
  /** Takes a connection of which nothing was read. */
  readonly hand: (connection: Socket) => void;
  /** The socket is closed; those who came through it are to have ended by the deadline. */
  readonly closed: (options: { readonly deadlineMs: number }) => void;
}

export class HandingListener implements Listener {
  readonly #parts: HandingParts;
  readonly #path: string;
  readonly #socket: UnixSocket;

  constructor(parts: HandingParts, settings: UnixSocketSettings) {
    this.#parts = parts;
    this.#path = settings.path;
    this.#socket = new UnixSocket(createServer({ pauseOnConnect: true }, parts.hand), settings);
  }

  async start(options: { readonly signal: AbortSignal }): Promise<void> {
    await this.#socket.start(options);
    const { place } = this.#socket;
    if (place !== undefined) this.#parts.opened(place);
  }

  /** As UnixListener.inPlace. */
  inPlace(): boolean {
    return this.#socket.inPlace();
  }

  address(): string {
    return this.#path;
  }

  stopAccepting(): void {
    this.#socket.stopAccepting();
  }

  /** Resolves at once: what is left to end ends in the processes that it was handed to. */
  async drain(options: { readonly deadlineMs: number }): Promise<void> {
    this.stopAccepting();
    this.#socket.removeFile();
    this.#parts.closed(options);
  }
}
