// TLS handshakes under way: few enough and short enough that nobody can hold the door by never
// finishing. Counted from the first packet, so a silent connection is one of them. When there is no room
// for another, whoever dawdles makes it; a handshake in good progress is never ended for a newcomer, or a
// crowd would keep everybody out.
import type { Socket } from 'node:net';

export interface HandshakeLimits {
  readonly maxHandshakes: number;
  readonly handshakeTimeoutMs: number;
}

interface Handshake {
  readonly socket: Socket;
  /** By the monotonic clock. */
  readonly sinceMs: number;
  readonly timer: NodeJS.Timeout;
}

/** Two round trips take less, also from afar. */
const BRISK_MS = 1_000;

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
    this.#byPeer.set(peer, { socket, timer, sinceMs: performance.now() });
    socket.once('close', () => {
      if (this.#byPeer.get(peer)?.socket === socket) this.end(peer);
    });
  }

  /** @returns the oldest that has not said a word, or takes its time; nobody when all are brisk. */
  dawdler(): { readonly peer: string; readonly socket: Socket } | undefined {
    const lateMs = performance.now() - BRISK_MS;
    for (const [peer, { socket, sinceMs }] of this.#byPeer) {
      if (socket.bytesRead === 0 || sinceMs < lateMs) return { peer, socket };
    }
    return undefined;
  }

  end(peer: string): void {
    clearTimeout(this.#byPeer.get(peer)?.timer);
    this.#byPeer.delete(peer);
  }

  closeAll(): void {
    for (const { socket } of this.#byPeer.values()) socket.destroy();
  }
}
