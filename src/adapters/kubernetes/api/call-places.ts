// How much one process asks of one API server: so many calls in flight, so many a second, and so many that wait. A server
// that is asked too much throttles all clients of its priority level (Kubernetes, API Priority and Fairness). Watches are
// long and take no place.
import { abortable } from '../../../live/abortable.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import { KubernetesApiError } from './kubernetes-api.ts';

export interface CallBounds {
  readonly inFlight: number;
  readonly perSecond: number;
  /** Calls that may be made at once after a pause. */
  readonly burst: number;
  /** Calls that wait for a place; one more is refused. */
  readonly waiting: number;
}

/** A restart of 5,000 pods within half a minute may need a review for each of them. */
const CALL_BOUNDS: CallBounds = { inFlight: 32, perSecond: 200, burst: 400, waiting: 2_000 };

export class CallPlaces {
  readonly #clock: Pick<Clock, 'monotonicMs' | 'after'>;
  readonly #bounds: CallBounds;
  readonly #waiting = new Set<() => void>();
  #inFlight = 0;
  #tokens: number;
  #filledMs: number;
  /** Takes back the alarm for the next token. */
  #alarm: (() => void) | undefined;

  constructor(clock: Pick<Clock, 'monotonicMs' | 'after'>, bounds: CallBounds = CALL_BOUNDS) {
    this.#clock = clock;
    this.#bounds = bounds;
    this.#tokens = bounds.burst;
    this.#filledMs = clock.monotonicMs();
  }

  /**
   * Waits for its turn, first come first served.
   * @returns how to give the place back; called once.
   * @throws KubernetesApiError 429 when too many wait already; the signal's reason when it aborts.
   */
  async take({ signal }: { readonly signal: AbortSignal }): Promise<() => void> {
    signal.throwIfAborted();
    if (this.#waiting.size >= this.#bounds.waiting) {
      const message = `${this.#waiting.size} calls to the API server wait already`;
      throw new KubernetesApiError({ status: 429, reason: 'TooManyRequests', message, retryAfterMs: 1_000 });
    }
    if (this.#waiting.size > 0 || !this.#mayGo()) {
      await abortable<undefined>(signal, ({ resolve }) => {
        const go = (): void => resolve(undefined);
        this.#waiting.add(go);
        this.#wakeLater();
        return () => void this.#waiting.delete(go);
      });
    } else this.#enter();
    return () => {
      this.#inFlight -= 1;
      this.#admit();
    };
  }

  #mayGo(): boolean {
    const { perSecond, burst, inFlight } = this.#bounds;
    const nowMs = this.#clock.monotonicMs();
    this.#tokens = Math.min(burst, this.#tokens + ((nowMs - this.#filledMs) / 1_000) * perSecond);
    this.#filledMs = nowMs;
    return this.#inFlight < inFlight && this.#tokens >= 1;
  }

  #enter(): void {
    this.#inFlight += 1;
    this.#tokens -= 1;
  }

  #admit(): void {
    for (const go of this.#waiting) {
      if (!this.#mayGo()) break;
      this.#waiting.delete(go);
      this.#enter();
      go();
    }
    this.#wakeLater();
  }

  /** Who waits for a place is admitted when one is given back; for a token somebody has to look. */
  #wakeLater(): void {
    if (this.#alarm !== undefined || this.#waiting.size === 0 || this.#inFlight >= this.#bounds.inFlight) return;
    const ms = Math.max(1, ((1 - this.#tokens) / this.#bounds.perSecond) * 1_000);
    this.#alarm = this.#clock.after(ms, () => {
      this.#alarm = undefined;
      this.#admit();
    });
  }
}
