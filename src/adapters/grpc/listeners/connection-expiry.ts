// Connections that were opened with a client certificate, and when each has to go: before that certificate ends.
// Istio's agent keeps one connection while it renews at half life, so by then it has the next certificate, and comes
// back with it; judged by the former at each call, every other renewal would be refused.
import type { Duplex } from 'node:stream';
import { every } from '../../../live/every.ts';
import type { Clock } from '../../../ports/platform/clock.ts';

interface Expiring {
  /** Both by the wall clock, as the certificate's own end. */
  readonly leaveAtMs: number;
  readonly endsAtMs: number;
  readonly leave: (graceMs: number) => void;
}

/** So long before the certificate ends, or at half of what it has left when that is less: also those of seconds serve. */
const LEAVE_BEFORE_END_MS = 30_000;
/** For the calls in flight of a certificate that ended already, as one does when the clock is set. */
const LEAST_GRACE_MS = 1_000;
/** How exact that is. */
export const EXPIRY_SWEEP_MS = 250;

/** No bound of its own: it holds some of what the listener accepted. */
export class ConnectionExpiry {
  readonly #clock: Clock;
  readonly #expiring = new Map<string, Expiring>();
  readonly #callbacks = new Set<(peer: string) => void>();

  constructor({ clock }: { readonly clock: Clock }) {
    this.#clock = clock;
  }

  /** @param leave sends GOAWAY; what is still open after the grace is closed. */
  expect(peer: string, connection: Duplex, endsAtMs: number, leave: Expiring['leave']): void {
    const leaveAtMs = endsAtMs - Math.min(LEAVE_BEFORE_END_MS, (endsAtMs - this.#clock.nowMs()) / 2);
    const expiring = { leaveAtMs, endsAtMs, leave };
    this.#expiring.set(peer, expiring);
    connection.once('close', () => {
      if (this.#expiring.get(peer) === expiring) this.#expiring.delete(peer);
    });
  }

  /** Calls `callback` with each connection that gets GOAWAY. */
  onLeaving(callback: (peer: string) => void): void {
    this.#callbacks.add(callback);
  }

  /** Looks at the time of all of them, again and again, until the signal aborts. */
  async sweep(options: { readonly signal: AbortSignal }): Promise<void> {
    await every(EXPIRY_SWEEP_MS, this.#clock, () => this.#look(), options);
  }

  #look(): void {
    const nowMs = this.#clock.nowMs();
    for (const [peer, { leaveAtMs, endsAtMs, leave }] of this.#expiring) {
      if (nowMs < leaveAtMs) continue;
      this.#expiring.delete(peer);
      leave(Math.max(LEAST_GRACE_MS, endsAtMs - nowMs));
      for (const callback of this.#callbacks) callback(peer);
    }
  }
}
