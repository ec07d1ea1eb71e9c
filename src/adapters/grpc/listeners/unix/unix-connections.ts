// Those who come through one Unix socket, in the process that serves them: the one that listens, or a worker to which
// the connections are handed.
import type { Socket } from 'node:net';
import { AuthorityError } from '../../../../domain/errors.ts';
import { GrpcServer, type StreamLimits } from '../../grpc-server.ts';
import { authorizationOf, type AnyCall, type ServiceRegistration } from '../listener-view.ts';

export interface UnixConnectionsParts {
  readonly services: readonly ServiceRegistration[];
  /** Whether the path still leads to the socket, in the very folder that it was opened in. */
  readonly inPlace: () => boolean;
}

export class UnixConnections {
  readonly #grpc: GrpcServer;

  /** @param settings.path whose socket it is: it stands for the workload. */
  constructor({ services, inPlace }: UnixConnectionsParts, settings: StreamLimits & { readonly path: string }) {
    const { path: socketPath } = settings;
    const remoteAddress = `unix:${socketPath}`;
    this.#grpc = new GrpcServer(settings);
    const { draining } = this.#grpc;
    const presentedBy = (call: AnyCall) => {
      // A caller through a moved socket is another workload: its path is not where it was opened.
      if (!inPlace()) throw new AuthorityError('CAP-S03', { detail: 'the socket is not at its path any more' });
      return { authorization: authorizationOf(call), socketPath, remoteAddress };
    };
    this.#grpc.register(services, { kind: 'unix', draining, presentedBy, ownerOf: () => remoteAddress });
  }

  /** Takes a connection of which nothing was read yet. */
  serve(connection: Socket): void {
    this.#grpc.serve(connection);
  }

  /** As Listener.drain. */
  async drain(options: { readonly deadlineMs: number }): Promise<void> {
    await this.#grpc.drain(options);
  }
}
