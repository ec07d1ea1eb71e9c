// State of the world (xDS protocol): every request names all secrets that the client wants. Of the
// client's version_info it is read only whether it holds something from before: which version is none of
// this stream's business, so every name is answered once on every stream.
import { endWhenAnswered } from './end-when-answered.ts';
import { distinctNames, WILDCARD } from './resource-names.ts';
import {
  close,
  currentNonce,
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

export interface SotwRequest extends DiscoveryMessage {
  readonly names: readonly string[];
}

/** A name without a secret gets no answer: in this variant there is no way to say "does not exist". */
const SOTW_RULES = { sendsRemovals: false };

export function stepSotw(session: Session, event: SessionEvent<SotwRequest>): Step {
  if (event.kind === 'closed') return close(session);
  const effects: Effect[] = [];
  const next =
    event.kind === 'request'
      ? receive(session, event.request, effects)
      : sendPending(takeNews(session, event, effects), SOTW_RULES, effects);
  endWhenAnswered(next, effects);
  return { session: next, effects };
}

function receive(session: Session, request: SotwRequest, effects: Effect[]): Session {
  const names = distinctNames(request.names);
  const error = messageProblem(session, request, names);
  if (error !== undefined) {
    effects.push({ kind: 'end', error });
    return session;
  }
  if (isStale(session, request)) return session;
  if (session.node === undefined && names.size === 0) {
    effects.push({ kind: 'unavailable', name: WILDCARD, why: 'secrets are served by name only' });
  }
  const known = introduced(session, request);
  const answered = takeAnswer(known, request, effects);
  return sendPending(resubscribe(answered, names, effects), SOTW_RULES, effects);
}

/**
 * A nonce that is not our last belongs to a response that a newer one has overtaken, or to nobody; the
 * client will speak again with the right one. The first message is never stale: its nonce is from
 * another stream. None at all is a plain change of subscription, and answers nothing.
 */
function isStale(session: Session, { nonce }: SotwRequest): boolean {
  return session.node !== undefined && nonce !== '' && nonce !== currentNonce(session);
}

/** The most frequent request by far is an ACK that names what was named before. */
function resubscribe(session: Session, names: ReadonlySet<string>, effects: Effect[]): Session {
  if (names.size === session.lastSent.size && names.isSubsetOf(session.lastSent)) return session;
  return subscribe(session, new Map([...names].map((name) => [name, session.lastSent.get(name)])), effects);
}
