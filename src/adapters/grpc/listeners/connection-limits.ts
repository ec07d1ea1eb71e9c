// Who may hold the connections of one listener. A connection begins unauthenticated: it counts for its source, has
// a share of the places and little time, and is closed first when all places are taken. Once a caller was authenticated
// on it, it counts for that workload's namespace; pings do not count. Handlers know a connection by its peer alone,
// so no two that are open have the same.
import type { Socket } from 'node:net';
import type { Caller } from '../../../domain/identity/caller.ts';
import { Places } from '../../../domain/bounded/places.ts';
import { peerOf } from './listener.ts';
import type { Sources } from './sources.ts';

export interface ConnectionSettings {
  /** About 90 KiB of memory and one file descriptor each. */
  readonly maxConnections: number;
  /** Part of `maxConnections` that one source may hold with unauthenticated connections; 0 to 1. */
  readonly unauthenticatedShare: number;
  /** How long a connection may stay open without an authenticated call. */
  readonly unauthenticatedTimeoutMs: number;
  /** `namespace/serviceAccount` of node proxies: the requests of each count for itself, for it asks for many namespaces. */
  readonly nodeProxies?: ReadonlySet<string>;
}

interface Connection {
  readonly peer: string;
  /** Which of our addresses it came to. */
  readonly local: string;
  readonly socket: Socket;
  readonly timer: NodeJS.Timeout;
  owner: string;
  authenticated: boolean;
  /** Whom requests count for instead of the owner. */
  nodeProxy?: string;
}

/** Called for each connection that is refused or closed to make room, before it is closed. */
export type OnEnded = (peer: string, problem: string) => void;

const MISTAKABLE = 'another is open from the same address and port, to another address of this server';
const MADE_WAY = 'too many connections are open: it made way for another';

export class ConnectionLimits {
  readonly #sources: Sources;
  readonly #settings: ConnectionSettings;
  readonly #onEnded: OnEnded;
  readonly #share: number;
  readonly #byPeer = new Map<string, Connection>();
  /** By source. */
  readonly #unauthenticated = new Places<Connection>();
  /** By namespace. */
  readonly #authenticated = new Places<Connection>();

  constructor(parts: { readonly sources: Sources; readonly onEnded: OnEnded }, settings: ConnectionSettings) {
    this.#sources = parts.sources;
    this.#onEnded = parts.onEnded;
    this.#settings = settings;
    this.#share = Math.max(1, Math.floor(settings.maxConnections * settings.unauthenticatedShare));
  }

  /** Takes a new connection and calls `serve` if it may stay, or closes it. It counts until it closes. */
  accept(socket: Socket, serve: (peer: string) => void): void {
    const peer = peerOf(socket);
    socket.on('error', () => undefined);
    if (peer === undefined) socket.destroy();
    else if (this.#admit(peer, socket)) serve(peer);
  }

  #admit(peer: string, socket: Socket): boolean {
    const owner = this.#sources.of(peer);
    if (!this.#isDistinct(peer, socket)) return this.#refuse(peer, socket, MISTAKABLE);
    if (!this.#makeRoom(owner)) return this.#refuse(peer, socket, 'too many connections are open');
    this.#follow(peer, socket, owner);
    return true;
  }

  /** A caller was authenticated on the connection: it counts for the last such caller. */
  markAuthenticated(peer: string, { identity, pod }: Pick<Caller, 'identity' | 'pod'>): void {
    const connection = this.#byPeer.get(peer);
    if (connection === undefined) return;
    const { namespace, serviceAccount } = identity;
    const isProxy = this.#settings.nodeProxies?.has(`${namespace}/${serviceAccount}`) === true;
    if (isProxy && pod?.podUid !== undefined) connection.nodeProxy = `node proxy ${pod.podUid}`;
    else delete connection.nodeProxy;
    if (connection.authenticated && connection.owner === identity.namespace) return;
    clearTimeout(connection.timer);
    this.#placesOf(connection).remove(connection.owner, connection);
    connection.owner = identity.namespace;
    connection.authenticated = true;
    this.#authenticated.add(connection.owner, connection);
  }

  /**
   * @returns whom a request on the connection counts for: the namespace of the last caller authenticated on it, or the caller
   *   itself where it is a node proxy; or its source.
   */
  ownerOf(peer: string): string {
    const connection = this.#byPeer.get(peer);
    if (connection === undefined) return this.#sources.of(peer);
    return connection.nodeProxy ?? (connection.authenticated ? `namespace ${connection.owner}` : connection.owner);
  }

  /**
   * TCP tells connections apart by both ends: from one address and port there may be another to each of our addresses,
   * and a credential shown on one must authenticate nobody on the other. To the very same address there is none: the former is over.
   */
  #isDistinct(peer: string, socket: Socket): boolean {
    const twin = this.#byPeer.get(peer);
    if (twin === undefined) return true;
    if (twin.local !== localOf(socket)) return false;
    this.#forget(twin);
    twin.socket.destroy();
    return true;
  }

  #refuse(peer: string, socket: Socket, problem: string): boolean {
    this.#onEnded(peer, problem);
    socket.destroy();
    return false;
  }

  /** A source beyond its share loses its oldest; when all places are taken, the source with most unauthenticated ones does. */
  #makeRoom(source: string): boolean {
    const full = this.#unauthenticated.size + this.#authenticated.size >= this.#settings.maxConnections;
    const crowded = this.#unauthenticated.heldBy(source) >= this.#share;
    const owner = crowded ? source : full ? this.#unauthenticated.largestOwner() : undefined;
    if (owner !== undefined) return this.#end(this.#unauthenticated.oldestOf(owner), MADE_WAY);
    return !full || this.#endOfLargestNamespace();
  }

  /** No namespace keeps the others out either; one that holds no more than a share keeps what it has. */
  #endOfLargestNamespace(): boolean {
    const owner = this.#authenticated.largestOwner();
    if (owner === undefined || this.#authenticated.heldBy(owner) <= this.#share) return false;
    return this.#end(this.#authenticated.oldestOf(owner), MADE_WAY);
  }

  #follow(peer: string, socket: Socket, owner: string): void {
    const late = (): void => void this.#end(connection, 'no caller was authenticated on it in time');
    const timer = setTimeout(late, this.#settings.unauthenticatedTimeoutMs);
    timer.unref();
    const connection: Connection = { peer, local: localOf(socket), socket, timer, owner, authenticated: false };
    this.#byPeer.set(peer, connection);
    this.#unauthenticated.add(owner, connection);
    socket.once('close', () => this.#forget(connection));
  }

  #end(connection: Connection | undefined, problem: string): boolean {
    if (connection === undefined) return false;
    this.#forget(connection);
    this.#onEnded(connection.peer, problem);
    connection.socket.destroy();
    return true;
  }

  #forget(connection: Connection): void {
    clearTimeout(connection.timer);
    this.#placesOf(connection).remove(connection.owner, connection);
    if (this.#byPeer.get(connection.peer) === connection) this.#byPeer.delete(connection.peer);
  }

  #placesOf({ authenticated }: Connection): Places<Connection> {
    return authenticated ? this.#authenticated : this.#unauthenticated;
  }
}

function localOf({ localAddress, localPort }: Socket): string {
  return `${localAddress} ${localPort}`;
}
