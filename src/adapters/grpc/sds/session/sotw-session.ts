// State of the world (xDS protocol): every request names all secrets that the client wants. Of the
// client's version_info it is read only whether it holds something from before: which version is none of
// this stream's business, so every name is answered once on every stream.
import { distinctNames } from './resource-names.ts';
import { currentNonce, type DiscoveryMessage, type Session } from './session.ts';
import { stepFunction, type VariantRules } from './step.ts';

export interface SotwRequest extends DiscoveryMessage {
  readonly names: readonly string[];
}

const SOTW_RULES: VariantRules<SotwRequest> = {
  // A name without a secret gets no answer: in this variant there is no way to say "does not exist".
  sendsRemovals: false,
  subscription,
  isStale,
};

export const stepSotw = stepFunction(SOTW_RULES);

/**
 * A nonce that is not our last belongs to a response that a newer one has overtaken, or to none; the
 * client will send another request with the right one. The first message is never stale: its nonce is from
 * another stream. None at all is a plain change of subscription, and answers nothing.
 */
function isStale(session: Session, { nonce }: SotwRequest): boolean {
  return session.node !== undefined && nonce !== '' && nonce !== currentNonce(session);
}

/** The most frequent request by far is an ACK that names what was named before. */
function subscription({ lastSent }: Session, request: SotwRequest): Session['lastSent'] {
  const names = distinctNames(request.names);
  if (names.size === lastSent.size && names.isSubsetOf(lastSent)) return lastSent;
  return new Map([...names].map((name) => [name, lastSent.get(name)]));
}
