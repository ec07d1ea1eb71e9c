// One unary call from admission to answer: bounded in number and in time, ended when the caller goes,
// answered exactly once. What a service does in between is `work`.
import type { handleUnaryCall, ServerUnaryCall } from '@grpc/grpc-js';
import { AuthorityError } from '../../domain/errors.ts';
import type { Events } from '../../ports/events.ts';
import type { Door } from './door.ts';
import { toServiceError } from './status.ts';

/** Counts the work under way of one service, over all its doors. */
export class Admission {
  readonly #limit: number;
  #inFlight = 0;

  constructor(limit: number) {
    this.#limit = limit;
  }

  /** @throws AuthorityError `rate_limited` (CAP-Q01). */
  enter(): void {
    if (this.#inFlight >= this.#limit) throw new AuthorityError('CAP-Q01', { retryAfterMs: RETRY_AFTER_MS });
    this.#inFlight += 1;
  }

  leave(): void {
    this.#inFlight -= 1;
  }
}

/** By then some hundred requests in flight are answered. */
const RETRY_AFTER_MS = 200;

export interface UnaryParts<Answer> {
  readonly door: Door;
  readonly admission: Admission;
  readonly events: Pick<Events, 'unexpected'>;
  /** Names the service in reports of bugs. */
  readonly where: string;
  /** `signal` aborts at the deadline and when the caller is gone, with the AuthorityError as its reason. */
  readonly work: (
    call: ServerUnaryCall<Uint8Array, Answer>,
    options: { readonly signal: AbortSignal },
  ) => Promise<Answer>;
}

export interface UnarySettings {
  /** Afterwards the caller hears UNAVAILABLE (CAP-S07), whatever `work` still does. */
  readonly deadlineMs: number;
}

/** @returns a grpc-js handler around `work`. */
export function unaryHandler<Answer>(
  { door, admission, events, where, work }: UnaryParts<Answer>,
  { deadlineMs }: UnarySettings,
): handleUnaryCall<Uint8Array, Answer> {
  return (call, callback) => {
    const controller = new AbortController();
    let answered = false;
    const answer = (value: Answer): void => {
      if (answered) return;
      answered = true;
      clearTimeout(timer);
      callback(null, value);
    };
    const refuse = (error: unknown): void => {
      // Too late to say, but a bug is still reported.
      const status = toServiceError(error, { events, where });
      if (answered) return;
      answered = true;
      clearTimeout(timer);
      callback(status);
    };
    const giveUp = (error: AuthorityError): void => {
      if (answered) return;
      refuse(error);
      controller.abort(error);
    };
    const timer = setTimeout(() => giveUp(new AuthorityError('CAP-S07')), deadlineMs);
    call.on('cancelled', () => giveUp(new AuthorityError('CAP-X02')));
    try {
      door.draining.throwIfAborted();
      admission.enter();
    } catch (error) {
      refuse(error);
      return;
    }
    // A slot is held until the work itself ends: what does not heed its signal still counts.
    void work(call, controller)
      .then(answer, refuse)
      .finally(() => admission.leave());
  };
}
