// TLS handshakes under way: few enough and short enough that nobody can hold the door by never
// finishing. Counted from the first packet, so a silent connection is one of them. When there is no room
// for another, whoever dawdles makes it, or else the source that has most of them under way; a handshake in good
// progress is never ended for a newcomer that has as many, or a crowd would keep everybody out.
import type { Socket } from 'node:net';
import { Places } from '../../domain/places.ts';

export interface HandshakeLimits {
  readonly maxHandshakes: number;
  readonly handshakeTimeoutMs: number;
}

export interface Handshake {
  readonly peer: string;
  readonly source: string;
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
  readonly #bySource = new Places<Handshake>();

  constructor(limits: HandshakeLimits) {
    this.#limits = limits;
  }

  get full(): boolean {
    return this.#byPeer.size >= this.#limits.maxHandshakes;
  }

  /** `onTimeout` runs when the handshake has not ended in time; the time is absolute, a dripping client gains none. */
  begin({ peer, source, socket }: Pick<Handshake, 'peer' | 'source' | 'socket'>, onTimeout: () => void): void {
    const timer = setTimeout(onTimeout, this.#limits.handshakeTimeoutMs);
    timer.unref();
    const handshake = { peer, source, socket, timer, sinceMs: performance.now() };
    this.#byPeer.set(peer, handshake);
    this.#bySource.add(source, handshake);
    socket.once('close', () => {
      if (this.#byPeer.get(peer)?.socket === socket) this.end(peer);
    });
  }

  /**
   * @returns who makes way for a newcomer of the source: the oldest that has not said a word, or takes its time;
   *   when all are brisk, the oldest of the source that has most, if that is clearly more than the newcomer's.
   */
  inTheWayOf(source: string): Handshake | undefined {
    const lateMs = performance.now() - BRISK_MS;
    for (const handshake of this.#byPeer.values()) {
      if (handshake.socket.bytesRead === 0 || handshake.sinceMs < lateMs) return handshake;
    }
    const largest = this.#bySource.largestOwner() ?? source;
    const fair = this.#bySource.heldBy(largest) <= this.#bySource.heldBy(source) + 1;
    return fair ? undefined : this.#bySource.oldestOf(largest);
  }

  end(peer: string): void {
    const handshake = this.#byPeer.get(peer);
    if (handshake === undefined) return;
    clearTimeout(handshake.timer);
    this.#byPeer.delete(peer);
    this.#bySource.remove(handshake.source, handshake);
  }

  closeAll(): void {
    for (const { socket } of this.#byPeer.values()) socket.destroy();
  }
}
