// The worker's half of the Unix sockets of SDS: it serves the connections that the supervisor accepts and hands over, each
// as the listener of its socket would, for the identity of its path.
import type { Socket } from 'node:net';
import type { SocketIdentities } from '../../adapters/credentials/socket-identities.ts';
import type { StreamLimits } from '../../adapters/grpc/grpc-server.ts';
import type { ServiceRegistration } from '../../adapters/grpc/listeners/listener-view.ts';
import { isInPlace } from '../../adapters/grpc/listeners/unix/socket-place.ts';
import { UnixConnections } from '../../adapters/grpc/listeners/unix/unix-connections.ts';
import type { Link } from '../../adapters/processes/link.ts';
import {
  CONNECTION_CLOSED_TOPIC,
  CONNECTION_TOPIC,
  NO_CONNECTIONS_TOPIC,
  OPEN_SOCKETS_TOPIC,
  SOCKET_CLOSED_TOPIC,
  SOCKET_OPENED_TOPIC,
  type OpenSocket,
} from '../../adapters/processes/socket-handover.ts';
import { kubernetesIdentity } from '../../domain/identity/kubernetes-identity.ts';
import type { TrustDomain } from '../../domain/identity/trust-domain.ts';

interface Parts {
  readonly link: Link;
  readonly services: readonly ServiceRegistration[];
  /** Holds whose socket each open one is. */
  readonly identities: SocketIdentities;
}

interface Settings extends StreamLimits {
  readonly trustDomain: TrustDomain;
}

export class HandedSockets {
  readonly #parts: Parts;
  readonly #settings: Settings;
  /** By the number of the opening; the supervisor bounds how many are open. */
  readonly #sockets = new Map<number, { readonly path: string; readonly connections: UnixConnections }>();
  /** At most as many as there were sockets; each ends within its own bound. */
  readonly #closing = new Set<Promise<void>>();
  #draining = false;

  /** Serves its topics on the link. */
  constructor(parts: Parts, settings: Settings) {
    this.#parts = parts;
    this.#settings = settings;
    const { link } = parts;
    link.serve(SOCKET_OPENED_TOPIC, (body) => {
      this.#know(body as OpenSocket);
      return null;
    });
    link.serve(SOCKET_CLOSED_TOPIC, (body) => {
      const { id, deadlineMs } = body as { readonly id: number; readonly deadlineMs: number };
      this.#close(id, deadlineMs);
      return null;
    });
    link.serve(CONNECTION_TOPIC, (body, { handle }) => {
      const { number, socket } = body as { readonly number: number; readonly socket: OpenSocket };
      if (handle !== undefined) this.#take(number, socket, handle);
      return null;
    });
  }

  /** Learns which sockets are open. @throws AuthorityError CAP-S04 when the supervisor does not answer. */
  async start(options: { readonly signal: AbortSignal }): Promise<void> {
    for (const socket of (await this.#parts.link.ask(OPEN_SOCKETS_TOPIC, null, options)) as readonly OpenSocket[]) {
      this.#know(socket);
    }
  }

  /** Those that are open, in the order of their opening. */
  get paths(): readonly string[] {
    return [...this.#sockets.values()].map(({ path }) => path);
  }

  /** What is open goes on; nothing is taken from now on. May be called twice. */
  stopAccepting(): void {
    if (this.#draining) return;
    this.#draining = true;
    this.#parts.link.tell(NO_CONNECTIONS_TOPIC, null);
  }

  async drain({ deadlineMs }: { readonly deadlineMs: number }): Promise<void> {
    this.stopAccepting();
    for (const id of [...this.#sockets.keys()]) this.#close(id, deadlineMs);
    await Promise.all(this.#closing);
  }

  #know(socket: OpenSocket): UnixConnections | undefined {
    const known = this.#sockets.get(socket.id);
    if (known !== undefined) return known.connections;
    const { path, root, place, namespace, serviceAccount } = socket;
    const identity = kubernetesIdentity(this.#settings.trustDomain, namespace, serviceAccount);
    // The supervisor opens none of which this is not an identity.
    if ('problem' in identity) return undefined;
    const where = { path, ...(root !== null && { root }) };
    const parts = { services: this.#parts.services, inPlace: () => isInPlace(where, place) };
    const connections = new UnixConnections(parts, { ...this.#settings, path });
    this.#sockets.set(socket.id, { path, connections });
    this.#parts.identities.set(path, identity);
    return connections;
  }

  #take(number: number, socket: OpenSocket, connection: Socket): void {
    connection.once('close', () => this.#parts.link.tell(CONNECTION_CLOSED_TOPIC, number));
    const connections = this.#draining ? undefined : this.#know(socket);
    if (connections === undefined) connection.destroy();
    else connections.serve(connection);
  }

  /** What is open ends beside, so that a successor at the path need not wait. */
  #close(id: number, deadlineMs: number): void {
    const socket = this.#sockets.get(id);
    if (socket === undefined) return;
    this.#sockets.delete(id);
    const successor = [...this.#sockets.values()].some(({ path }) => path === socket.path);
    if (!successor) this.#parts.identities.delete(socket.path);
    const closing = socket.connections.drain({ deadlineMs }).finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }
}
