// The supervisor's half of the Unix sockets: each connection goes to the worker that has fewest, with all that the worker
// needs to know of the socket it came through. Which connections a worker has is known here, so that a worker that dies
// costs these and no other, and that no socket has more than its share, whoever serves it.
import type { Socket } from 'node:net';
import type { Json, Link } from './link.ts';

/** A Unix socket that is open: data that crosses to workers. */
export type OpenSocket = {
  /** One for each time that a path was opened. */
  readonly id: number;
  readonly path: string;
  /** As WantedSocket.root. */
  readonly root: string | null;
  readonly namespace: string;
  readonly serviceAccount: string;
  /** Where it was opened, as the kernel knows it. */
  readonly place: { readonly folders: string; readonly socket: string };
};

/** Asked by a worker that starts: all that are open. */
export const OPEN_SOCKETS_TOPIC = 'open sockets';
/** Said to all workers. */
export const SOCKET_OPENED_TOPIC = 'socket opened';
/** Said to all workers, with the time in which what came through it is to end. */
export const SOCKET_CLOSED_TOPIC = 'socket closed';
/** Said to one worker, with the connection. */
export const CONNECTION_TOPIC = 'connection';
/** Said by the worker that had it. */
export const CONNECTION_CLOSED_TOPIC = 'connection closed';

/** Said by a worker that is about to end. */
export const NO_CONNECTIONS_TOPIC = 'no connections';

interface Handed {
  readonly id: number;
  /** Ours no more, unless it never left. */
  readonly connection: Socket;
}

export interface HandoverParts {
  /** Those that take connections now. */
  readonly workers: () => readonly Link[];
  readonly onRefused: (socket: OpenSocket, problem: string) => void;
}

export class SocketHandover {
  readonly #parts: HandoverParts;
  readonly #maxConnections: number;
  readonly #open = new Map<number, OpenSocket>();
  /** What each worker has, by the number of the connection. */
  readonly #handed = new Map<Link, Map<number, Handed>>();
  /** Those that take no more, and still have some. */
  readonly #leaving = new Set<Link>();
  /** How many there are of each socket, over all workers. */
  readonly #counts = new Map<number, number>();
  #lastConnection = 0;

  /** @param settings.maxConnections through one socket, over all workers. */
  constructor(parts: HandoverParts, settings: { readonly maxConnections: number }) {
    this.#parts = parts;
    this.#maxConnections = settings.maxConnections;
  }

  /** Called once for each worker, before it starts. @param closed aborts when it is gone. */
  attach(link: Link, closed: AbortSignal): void {
    const connections = new Map<number, Handed>();
    this.#handed.set(link, connections);
    link.serve(OPEN_SOCKETS_TOPIC, () => [...this.#open.values()]);
    link.serve(CONNECTION_CLOSED_TOPIC, (number) => {
      this.#forget(connections, number as number);
      return null;
    });
    link.serve(NO_CONNECTIONS_TOPIC, () => {
      this.#leaving.add(link);
      return null;
    });
    const end = (): void => {
      this.#handed.delete(link);
      this.#leaving.delete(link);
      // What still waited to be sent ends here, so that its client comes back.
      for (const [number, { connection }] of connections) {
        this.#forget(connections, number);
        connection.destroy();
      }
    };
    closed.addEventListener('abort', end, { once: true });
  }

  opened(socket: OpenSocket): void {
    this.#open.set(socket.id, socket);
    this.#tellAll(SOCKET_OPENED_TOPIC, socket);
  }

  closed(id: number, { deadlineMs }: { readonly deadlineMs: number }): void {
    if (this.#open.delete(id)) this.#tellAll(SOCKET_CLOSED_TOPIC, { id, deadlineMs });
  }

  /** Refuses what no worker can take, by closing it. */
  hand(socket: OpenSocket, connection: Socket): void {
    // A reset that comes before it has left must not end the process.
    connection.on('error', () => undefined);
    const worker = this.#leastBusy();
    const problem = worker === undefined ? 'no worker takes connections' : this.#fullness(socket.id);
    if (worker === undefined || problem !== undefined) {
      connection.destroy();
      this.#parts.onRefused(socket, problem ?? '');
      return;
    }
    const number = (this.#lastConnection += 1);
    worker.connections.set(number, { id: socket.id, connection });
    this.#count(socket.id, 1);
    // Ours only if it did not leave.
    connection.once('close', () => this.#forget(worker.connections, number));
    worker.link.tell(CONNECTION_TOPIC, { number, socket }, connection);
  }

  #leastBusy() {
    const workers = this.#parts.workers().flatMap((link) => {
      const connections = this.#handed.get(link);
      return connections === undefined || this.#leaving.has(link) ? [] : [{ link, connections }];
    });
    const [first, ...others] = workers;
    if (first === undefined) return undefined;
    return others.reduce((least, one) => (one.connections.size < least.connections.size ? one : least), first);
  }

  #fullness(id: number): string | undefined {
    const full = (this.#counts.get(id) ?? 0) >= this.#maxConnections;
    return full ? 'too many connections are open' : undefined;
  }

  #forget(connections: Map<number, Handed>, number: number): void {
    this.#count(connections.get(number)?.id, -1);
    connections.delete(number);
  }

  #count(id: number | undefined, by: 1 | -1): void {
    if (id === undefined) return;
    const count = (this.#counts.get(id) ?? 0) + by;
    if (count > 0) this.#counts.set(id, count);
    else this.#counts.delete(id);
  }

  #tellAll(topic: string, body: Json): void {
    for (const link of this.#handed.keys()) link.tell(topic, body);
  }
}
