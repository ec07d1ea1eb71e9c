// One unary call from admission to answer: bounded in number and in time, ended when the caller goes,
// answered exactly once. What a service does in between is `work`.
import type { handleUnaryCall, ServerUnaryCall } from '@grpc/grpc-js';
import { AuthorityError } from '../../domain/errors.ts';
import type { Reason } from '../../domain/reasons.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { Events } from '../../ports/platform/events.ts';
import { CallTime } from './call-time.ts';
import type { ListenerView } from './listeners/listener-view.ts';
import type { FairAdmission } from './fair-admission.ts';
import type { RefusalDelay } from './refusal-delay.ts';
import { toServiceError } from './status.ts';

export interface UnaryParts<Answer> {
  readonly listener: ListenerView;
  readonly admission: FairAdmission;
  readonly refusals: RefusalDelay;
  readonly clock: Pick<Clock, 'after'>;
  readonly events: Pick<Events, 'unexpected' | 'requestDropped'>;
  /** Names the service in reports of bugs. */
  readonly where: string;
  /** `signal` aborts at the deadline and when the caller is gone, with the AuthorityError as its reason. */
  readonly work: (
    call: ServerUnaryCall<Uint8Array, Answer>,
    options: { readonly signal: AbortSignal },
  ) => Promise<Answer>;
}

export interface UnarySettings {
  /** Afterwards the caller gets UNAVAILABLE (CAP-S07), whatever `work` still does. */
  readonly deadlineMs: number;
}

/** @returns a grpc-js handler around `work`. */
export function unaryHandler<Answer>(
  parts: UnaryParts<Answer>,
  { deadlineMs }: UnarySettings,
): handleUnaryCall<Uint8Array, Answer> {
  const { listener, admission, refusals, clock, events, work } = parts;
  const reportDropped = (call: ServerUnaryCall<Uint8Array, Answer>, reason: Reason): void =>
    events.requestDropped({ listener: listener.kind, remoteAddress: call.getPeer(), reason });
  return (call, callback) => {
    if (listener.draining.aborted) {
      reportDropped(call, 'CAP-S03');
      callback(toServiceError(new AuthorityError('CAP-S03'), parts));
      return;
    }
    const owner = listener.ownerOf(call);
    const answer = (value: Answer): void => {
      if (time.ended) return;
      time.end();
      callback(null, value);
    };
    const refuse = (error: unknown): void => {
      // Too late to say, but a bug is still reported.
      const status = toServiceError(error, parts);
      if (time.ended) return;
      time.end();
      refusals.answer(owner, error, () => callback(status));
    };
    const time = new CallTime(call, { deadlineMs, clock }, (error) => {
      if (error.reason === 'CAP-S07') reportDropped(call, error.reason);
      refuse(error);
    });
    const admitted = async (): Promise<Answer> => {
      await admission.enter(owner, time).catch((error: unknown) => {
        if (error instanceof AuthorityError && error.reason === 'CAP-Q01') reportDropped(call, error.reason);
        throw error;
      });
      // A slot is held until the work itself ends: what does not heed its signal still counts.
      return work(call, time).finally(() => admission.leave(owner));
    };
    void admitted().then(answer, refuse);
  };
}
