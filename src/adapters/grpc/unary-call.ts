// One unary call from admission to answer: bounded in number and in time, ended when the caller goes,
// answered exactly once. What a service does in between is `work`.
import type { handleUnaryCall, ServerUnaryCall } from '@grpc/grpc-js';
import { AuthorityError } from '../../domain/errors.ts';
import type { Reason } from '../../domain/reasons.ts';
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

  /** @returns whether there was room; then `leave` is owed. */
  enter(): boolean {
    if (this.#inFlight >= this.#limit) return false;
    this.#inFlight += 1;
    return true;
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
  readonly events: Pick<Events, 'unexpected' | 'turnedAway'>;
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
  parts: UnaryParts<Answer>,
  { deadlineMs }: UnarySettings,
): handleUnaryCall<Uint8Array, Answer> {
  const { door, admission, events, work } = parts;
  return (call, callback) => {
    let answered = false;
    const answer = (value: Answer): void => {
      if (answered) return;
      answered = true;
      clearTimeout(timer);
      callback(null, value);
    };
    const refuse = (error: unknown): void => {
      // Too late to say, but a bug is still reported.
      const status = toServiceError(error, parts);
      if (answered) return;
      answered = true;
      clearTimeout(timer);
      callback(status);
    };
    const giveUp = (reason: Reason): void => {
      if (answered) return;
      const error = new AuthorityError(reason);
      refuse(error);
      controller.abort(error);
    };

    const unfit = unfitness(door, admission);
    if (unfit !== undefined) {
      events.turnedAway({ door: door.kind, remoteAddress: call.getPeer(), reason: unfit.reason });
      callback(toServiceError(unfit, parts));
      return;
    }
    const controller = new AbortController();
    const timer = setTimeout(() => {
      events.turnedAway({ door: door.kind, remoteAddress: call.getPeer(), reason: 'CAP-S07' });
      giveUp('CAP-S07');
    }, deadlineMs);
    call.on('cancelled', () => giveUp('CAP-X02'));
    // A slot is held until the work itself ends: what does not heed its signal still counts.
    void work(call, controller)
      .then(answer, refuse)
      .finally(() => admission.leave());
  };
}

/** Enters, or says why not. */
function unfitness(door: Door, admission: Admission): AuthorityError | undefined {
  if (door.draining.aborted) return new AuthorityError('CAP-S03');
  return admission.enter() ? undefined : new AuthorityError('CAP-Q01', { retryAfterMs: RETRY_AFTER_MS });
}
