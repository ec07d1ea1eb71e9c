// One Unix socket and those who come through it.
import { createServer } from 'node:net';
import type { Events } from '../../../../ports/platform/events.ts';
import type { ServiceRegistration } from '../listener-view.ts';
import type { StreamLimits } from '../../grpc-server.ts';
import type { Listener } from '../listener.ts';
import { UnixConnections } from './unix-connections.ts';
import { UnixSocket, type UnixSocketSettings } from './unix-socket.ts';

export interface UnixListenerSettings extends StreamLimits, UnixSocketSettings {
  readonly maxConnections: number;
}

export class UnixListener implements Listener {
  readonly #settings: UnixListenerSettings;
  readonly #socket: UnixSocket;
  readonly #connections: UnixConnections;

  constructor(
    parts: { readonly events: Pick<Events, 'connectionRefused'>; readonly services: readonly ServiceRegistration[] },
    settings: UnixListenerSettings,
  ) {
    this.#settings = settings;
    const inPlace = (): boolean => this.inPlace();
    this.#connections = new UnixConnections({ services: parts.services, inPlace }, settings);
    const server = createServer((connection) => this.#connections.serve(connection));
    server.maxConnections = settings.maxConnections;
    server.on('drop', () => {
      const remoteAddress = `unix:${settings.path}`;
      parts.events.connectionRefused({ listener: 'unix', remoteAddress, problem: 'too many connections are open' });
    });
    this.#socket = new UnixSocket(server, settings);
  }

  async start(options: { readonly signal: AbortSignal }): Promise<void> {
    await this.#socket.start(options);
  }

  /** Whether the path still leads to this socket, in the very folder that it was opened in. */
  inPlace(): boolean {
    return this.#socket.inPlace();
  }

  address(): string {
    return this.#settings.path;
  }

  stopAccepting(): void {
    this.#socket.stopAccepting();
  }

  async drain(options: { readonly deadlineMs: number }): Promise<void> {
    this.stopAccepting();
    this.#socket.removeFile();
    await this.#connections.drain(options);
  }
}
