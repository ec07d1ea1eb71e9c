// Delta (incremental xDS): requests change the subscription, names that do not exist are answered,
// and a client that comes back says what it holds already.
import { endWhenAnswered } from './end-when-answered.ts';
import { distinctNames, WILDCARD } from './resource-names.ts';
import {
  close,
  sendPending,
  introduced,
  messageProblem,
  subscribe,
  takeAnswer,
  takeNews,
  type DiscoveryMessage,
  type Effect,
  type Session,
  type SessionEvent,
  type Step,
} from './session.ts';

export interface DeltaRequest extends DiscoveryMessage {
  readonly subscribe: readonly string[];
  readonly unsubscribe: readonly string[];
  /** What the client holds, by name; read in the first message only. */
  readonly initialVersions: ReadonlyMap<string, string>;
}

const DELTA_RULES = { sendsRemovals: true };

export function stepDelta(session: Session, event: SessionEvent<DeltaRequest>): Step {
  if (event.kind === 'closed') return close(session);
  const effects: Effect[] = [];
  const next =
    event.kind === 'request'
      ? receive(session, event.request, effects)
      : sendPending(takeNews(session, event, effects), DELTA_RULES, effects);
  endWhenAnswered(next, effects);
  return { session: next, effects };
}

function receive(session: Session, request: DeltaRequest, effects: Effect[]): Session {
  const first = session.node === undefined;
  const lastSent = resubscribed(session.lastSent, request, first ? request.initialVersions : NOTHING);
  const error = messageProblem(session, request, lastSent.keys());
  if (error !== undefined) {
    effects.push({ kind: 'end', error });
    return session;
  }
  if (first && request.subscribe.length === 0) {
    effects.push({ kind: 'unavailable', name: WILDCARD, why: 'secrets are served by name only' });
  }
  const known = introduced(session, request);
  // A stale or forged nonce answers nothing, but the subscription changes all the same (xDS protocol, delta).
  const answered = takeAnswer(known, request, effects);
  return sendPending(subscribe(answered, lastSent, effects), DELTA_RULES, effects);
}

const NOTHING: ReadonlyMap<string, string> = new Map();

/**
 * Whoever subscribes to a name, for the first time or again, holds nothing of it unless it says so:
 * subscribing again is how a client asks for what it has dropped.
 */
function resubscribed(
  former: Session['lastSent'],
  request: DeltaRequest,
  held: ReadonlyMap<string, string>,
): Session['lastSent'] {
  const lastSent = new Map(former);
  for (const name of distinctNames(request.unsubscribe)) lastSent.delete(name);
  for (const name of distinctNames(request.subscribe)) lastSent.set(name, held.get(name));
  return lastSent;
}
