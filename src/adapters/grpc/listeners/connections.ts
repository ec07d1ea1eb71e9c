// The open connections of one TLS listener and what each showed in its handshake, found by the
// client's address and port: the one thing about a connection that grpc-js tells a handler.
import type { TLSSocket } from 'node:tls';
import { AuthorityError } from '../../../domain/errors.ts';
import type { PresentedCertificate } from '../../../ports/issuing/authenticator.ts';

interface Connection {
  readonly socket: TLSSocket;
  readonly certificate: PresentedCertificate | undefined;
}

/** No bound of its own: it holds what the listener accepted, and the listener's bound is `maxConnections`. */
export class Connections {
  readonly #byPeer = new Map<string, Connection>();

  /** Keeps the connection until it closes. */
  add(peer: string, socket: TLSSocket): void {
    const connection = { socket, certificate: presentedCertificate(socket) };
    this.#byPeer.set(peer, connection);
    socket.once('close', () => {
      if (this.#byPeer.get(peer) === connection) this.#byPeer.delete(peer);
    });
  }

  /**
   * The client certificate of a connection; the same object for every call on it.
   * @throws AuthorityError CAP-X02 for a connection that is not open any more.
   */
  certificateOf(peer: string): PresentedCertificate | undefined {
    const connection = this.#byPeer.get(peer);
    if (connection === undefined) throw new AuthorityError('CAP-X02', { detail: 'the connection is closed' });
    return connection.certificate;
  }

  /** Closes every connection whose client certificate was found good. */
  closeAuthenticated(): void {
    for (const { socket, certificate } of this.#byPeer.values()) {
      if (certificate !== undefined && certificate.problem === undefined) socket.destroy();
    }
  }
}

function presentedCertificate(socket: TLSSocket): PresentedCertificate | undefined {
  const leaf = socket.getPeerX509Certificate();
  if (leaf === undefined) return undefined;
  // Node types it as an Error; it is OpenSSL's code.
  return socket.authorized ? { leaf: leaf.raw } : { leaf: leaf.raw, problem: String(socket.authorizationError) };
}
