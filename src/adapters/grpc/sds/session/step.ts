// One step of a session, in either variant of the protocol: what an event changes, what that answers or
// sends, and whether the stream is done. What state of the world and delta do differently is in their rules.
import { endWhenAnswered } from './end-when-answered.ts';
import { WILDCARD } from './resource-names.ts';
import {
  close,
  introduced,
  messageProblem,
  sendPending,
  subscribe,
  takeAnswer,
  takeNews,
  type DiscoveryMessage,
  type Effect,
  type Session,
  type StepFunction,
} from './session.ts';

/** What a variant of the protocol does in its own way. */
export interface VariantRules<Request> {
  /** Whether a name without a secret is answered, in `removed_resources`. */
  readonly sendsRemovals: boolean;
  /** The subscription with this request: `session.lastSent` itself when the request does not change it. */
  readonly subscription: (session: Session, request: Request) => Session['lastSent'];
  /** Whether the request is dropped as one that a newer response has overtaken. */
  readonly isStale: (session: Session, request: Request) => boolean;
}

export function stepFunction<Request extends DiscoveryMessage>(rules: VariantRules<Request>): StepFunction<Request> {
  return (session, event) => {
    if (event.kind === 'closed') return close(session);
    const effects: Effect[] = [];
    const next =
      event.kind === 'request'
        ? receive(session, event.request, rules, effects)
        : sendPending(takeNews(session, event, effects), rules, effects);
    endWhenAnswered(next, effects);
    return { session: next, effects };
  };
}

function receive<Request extends DiscoveryMessage>(
  session: Session,
  request: Request,
  rules: VariantRules<Request>,
  effects: Effect[],
): Session {
  const lastSent = rules.subscription(session, request);
  const error = messageProblem(session, request, lastSent.keys());
  if (error !== undefined) {
    effects.push({ kind: 'end', error });
    return session;
  }
  if (rules.isStale(session, request)) return session;
  if (session.node === undefined && lastSent.size === 0) {
    effects.push({ kind: 'unavailable', name: WILDCARD, why: 'secrets are served by name only' });
  }
  const answered = takeAnswer(introduced(session, request), request, effects);
  const subscribed = lastSent === session.lastSent ? answered : subscribe(answered, lastSent, effects);
  return sendPending(subscribed, rules, effects);
}
