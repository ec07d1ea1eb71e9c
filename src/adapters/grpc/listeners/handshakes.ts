// TLS handshakes under way: few enough and short enough that nobody can block the listener by never finishing. A silent
// client takes no place among the last half of them: there a handshake begins with the client's first byte. When all places
// are taken a new connection waits, and sources take turns: a thousand honest clients that connect at once after an outage
// all get in. While one waits, a slow handshake makes way, sooner if it is of the source that holds most of the places.
import type { Socket } from 'node:net';
import { Places } from '../../../domain/bounded/places.ts';

export interface HandshakeLimits {
  readonly maxHandshakes: number;
  readonly handshakeTimeoutMs: number;
}

interface Handshake {
  readonly peer: string;
  readonly source: string;
  readonly socket: Socket;
  readonly begin: () => void;
  /** Told before the connection is to be closed. */
  readonly refuse: (problem: string) => void;
  readonly timer: NodeJS.Timeout;
  /** Called when the connection closes first. */
  readonly closed: () => void;
  /** By the monotonic clock; once it has a place, the time at which it got it. */
  sinceMs: number;
}

/** Two round trips take less, also from afar. */
const SLOW_AFTER_MS = 1_000;
/** For one of its own source: clients that start together, perhaps on one machine, are slow together. */
const SLOW_AMONG_OWN_MS = 3_000;
/** One round trip does, mostly: what the source that has most is left, when another with fewer waits. */
const SLOW_OF_LARGEST_MS = 250;
const LOOK_MS = 50;

export class Handshakes {
  readonly #limits: HandshakeLimits;
  /** All whose handshake has not ended, silent ones too. Bounded by `ConnectionLimits`. */
  readonly #byPeer = new Map<string, Handshake>();
  /** In the order in which they got their places. */
  readonly #underWay = new Set<Handshake>();
  readonly #bySource = new Places<Handshake>();
  readonly #waiting = new Places<Handshake>();
  /** Sources of those who wait, in the order of their turns. */
  readonly #turns = new Set<string>();
  #look: NodeJS.Timeout | undefined;

  constructor(limits: HandshakeLimits) {
    this.#limits = limits;
  }

  /**
   * Calls `begin` when the handshake has a place, or `refuse` when it has to go. The time is absolute and counts from
   * now, so a dripping client gains none.
   */
  expect(arrival: Omit<Handshake, 'timer' | 'closed' | 'sinceMs'>): void {
    const { peer, socket } = arrival;
    const late = (): void => this.#refuse(handshake, 'the TLS handshake did not end in time');
    const timer = setTimeout(late, this.#limits.handshakeTimeoutMs);
    timer.unref();
    const closed = (): void => this.#forget(handshake);
    const handshake: Handshake = { ...arrival, timer, closed, sinceMs: performance.now() };
    this.#byPeer.set(peer, handshake);
    socket.once('close', closed);
    if (this.#hasRoomForSilent()) this.#arrive(handshake);
    else this.#awaitFirstByte(handshake);
  }

  end(peer: string): void {
    const handshake = this.#byPeer.get(peer);
    if (handshake !== undefined) this.#forget(handshake);
  }

  closeAll(): void {
    for (const { socket } of this.#byPeer.values()) socket.destroy();
  }

  /** A connection that is read before its handshake keeps 6 KiB more for life, so that is done only in a crowd. */
  #hasRoomForSilent(): boolean {
    return this.#waiting.size === 0 && this.#underWay.size < this.#limits.maxHandshakes / 2;
  }

  #awaitFirstByte(handshake: Handshake): void {
    const { peer, socket } = handshake;
    socket.once('readable', () => {
      // A probe that connects and leaves.
      if (socket.readableLength === 0) socket.destroy();
      else if (this.#byPeer.get(peer) === handshake) this.#arrive(handshake);
    });
  }

  #arrive(handshake: Handshake): void {
    this.#waiting.add(handshake.source, handshake);
    this.#turns.add(handshake.source);
    this.#fill();
  }

  #fill(): void {
    while (this.#underWay.size < this.#limits.maxHandshakes) {
      const next = this.#waiting.oldestOf(this.#next() ?? '');
      if (next === undefined) return;
      this.#start(next);
    }
    if (this.#waiting.size > 0) this.#lookSoon();
  }

  /**
   * Looks at no more sources than there are places: a source with none is crowded out as soon as another has two.
   * @returns the source whose turn it is: the first that is crowded out, if there is one.
   */
  #next(): string | undefined {
    const [first] = this.#turns;
    if (this.#most() < 2) return first;
    for (const source of this.#turns) if (this.#isCrowdedOut(source)) return source;
    return first;
  }

  #isCrowdedOut(source: string): boolean {
    return this.#bySource.heldBy(source) + 1 < this.#most();
  }

  #most(): number {
    return this.#bySource.heldBy(this.#bySource.largestOwner() ?? '');
  }

  #start(handshake: Handshake): void {
    this.#stopWaiting(handshake);
    // It left while it waited; its end is on its way.
    if (handshake.socket.destroyed) return;
    handshake.sinceMs = performance.now();
    this.#underWay.add(handshake);
    this.#bySource.add(handshake.source, handshake);
    handshake.begin();
  }

  /** A source that still waits goes to the end of the line. */
  #stopWaiting(handshake: Handshake): void {
    const { source } = handshake;
    if (!this.#waiting.remove(source, handshake)) return;
    this.#turns.delete(source);
    if (this.#waiting.heldBy(source) > 0) this.#turns.add(source);
  }

  /** Judged after a poll: a client whose bytes have arrived and were not read yet is not slow, we are. */
  #lookSoon(): void {
    this.#look ??= setTimeout(() => setImmediate(() => this.#makeRoom()), LOOK_MS).unref();
  }

  #makeRoom(): void {
    this.#look = undefined;
    const nowMs = performance.now();
    for (let left = this.#waiting.size; left > 0 && this.#waiting.size > 0; left -= 1) {
      const handshake = this.#inTheWay(nowMs);
      if (handshake === undefined) break;
      this.#refuse(handshake, 'the TLS handshake made way for another');
    }
    this.#fill();
  }

  #inTheWay(nowMs: number): Handshake | undefined {
    const next = this.#next();
    if (next === undefined) return undefined;
    const largest = this.#bySource.largestOwner() ?? next;
    const ofCrowd = this.#isCrowdedOut(next) ? this.#bySource.oldestOf(largest) : undefined;
    if (ofCrowd !== undefined && ofCrowd.sinceMs < nowMs - SLOW_OF_LARGEST_MS) return ofCrowd;
    const [oldest] = this.#underWay;
    const slowAfterMs = oldest?.source === next ? SLOW_AMONG_OWN_MS : SLOW_AFTER_MS;
    return oldest !== undefined && oldest.sinceMs < nowMs - slowAfterMs ? oldest : undefined;
  }

  #refuse(handshake: Handshake, problem: string): void {
    this.#forget(handshake);
    handshake.refuse(problem);
  }

  #forget(handshake: Handshake): void {
    const { peer, source, socket, timer, closed } = handshake;
    clearTimeout(timer);
    // The connection may live long, and would hold the handshake as long.
    socket.off('close', closed);
    if (this.#byPeer.get(peer) === handshake) this.#byPeer.delete(peer);
    this.#stopWaiting(handshake);
    if (!this.#underWay.delete(handshake)) return;
    this.#bySource.remove(source, handshake);
    this.#fill();
  }
}
