// The time of one call: over at its deadline, or when its client cancels it or goes away. What waits for the call
// is given `signal`, which aborts with the reason.
import { AuthorityError } from '../../domain/errors.ts';
import type { Reason } from '../../domain/reasons.ts';
import type { Clock } from '../../ports/platform/clock.ts';

/** The part of a grpc-js server call that says when its client is gone. */
export interface CancellableCall {
  on(event: 'cancelled', listener: () => void): unknown;
  off(event: 'cancelled', listener: () => void): unknown;
}

export interface Deadline {
  /** From now. */
  readonly deadlineMs: number;
  readonly clock: Pick<Clock, 'after'>;
}

export class CallTime {
  readonly #call: CancellableCall;
  readonly #controller = new AbortController();
  readonly #cancelDeadline: () => void;
  readonly #onOver: ((error: AuthorityError) => void) | undefined;
  readonly #gone = (): void => this.#over('CAP-X02');
  #ended = false;

  /**
   * Runs until `end`.
   * @param deadline when it is over with CAP-S07; it is over with CAP-X02 when the client is gone before.
   * @param onOver called with that error, once, before the signal aborts.
   */
  constructor(call: CancellableCall, { deadlineMs, clock }: Deadline, onOver?: (error: AuthorityError) => void) {
    this.#call = call;
    this.#onOver = onOver;
    this.#cancelDeadline = clock.after(deadlineMs, () => this.#over('CAP-S07'));
    call.on('cancelled', this.#gone);
  }

  get signal(): AbortSignal {
    return this.#controller.signal;
  }

  /** Whether the call was answered, or its time was over. */
  get ended(): boolean {
    return this.#ended;
  }

  /** The call is answered: its signal aborts no more. May be called twice. */
  end(): void {
    this.#ended = true;
    this.#cancelDeadline();
    this.#call.off('cancelled', this.#gone);
  }

  #over(reason: Reason): void {
    if (this.#ended) return;
    const error = new AuthorityError(reason);
    this.#onOver?.(error);
    this.end();
    this.#controller.abort(error);
  }
}
