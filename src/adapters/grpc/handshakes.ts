// TLS handshakes under way: few enough and short enough that nobody can hold the door by never
// finishing. Counted from the first packet, so a silent connection is one of them.
import type { Socket } from 'node:net';

export interface HandshakeLimits {
  readonly maxHandshakes: number;
  readonly handshakeTimeoutMs: number;
}

interface Handshake {
  readonly socket: Socket;
  readonly timer: NodeJS.Timeout;
}

export class Handshakes {
  readonly #limits: HandshakeLimits;
  readonly #byPeer = new Map<string, Handshake>();

  constructor(limits: HandshakeLimits) {
    this.#limits = limits;
  }

  get full(): boolean {
    return this.#byPeer.size >= this.#limits.maxHandshakes;
  }

  /** `onTimeout` runs when the handshake has not ended in time; the time is absolute, a dripping client gains none. */
  begin(peer: string, socket: Socket, onTimeout: () => void): void {
    const timer = setTimeout(onTimeout, this.#limits.handshakeTimeoutMs);
    timer.unref();
    this.#byPeer.set(peer, { socket, timer });
    socket.once('close', () => {
      if (this.#byPeer.get(peer)?.socket === socket) this.end(peer);
    });
  }

  end(peer: string): void {
    clearTimeout(this.#byPeer.get(peer)?.timer);
    this.#byPeer.delete(peer);
  }

  closeAll(): void {
    for (const { socket } of this.#byPeer.values()) socket.destroy();
  }
}
