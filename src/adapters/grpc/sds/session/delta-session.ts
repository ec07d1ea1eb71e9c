// Delta (incremental xDS): requests change the subscription, names that do not exist are answered,
// and a client that comes back says what it holds already.
import { distinctNames } from './resource-names.ts';
import type { DiscoveryMessage, Session } from './session.ts';
import { stepFunction, type VariantRules } from './step.ts';

export interface DeltaRequest extends DiscoveryMessage {
  readonly subscribe: readonly string[];
  readonly unsubscribe: readonly string[];
  /** What the client holds, by name; read in the first message only. */
  readonly initialVersions: ReadonlyMap<string, string>;
}

const DELTA_RULES: VariantRules<DeltaRequest> = {
  sendsRemovals: true,
  subscription: resubscribed,
  // A stale or forged nonce answers nothing, but the subscription changes all the same (xDS protocol, delta).
  isStale: () => false,
};

export const stepDelta = stepFunction(DELTA_RULES);

const NOTHING: ReadonlyMap<string, string> = new Map();

/**
 * A client that subscribes to a name, for the first time or again, holds nothing of it unless it says so:
 * subscribing again is how a client asks for what it has dropped.
 */
function resubscribed(session: Session, request: DeltaRequest): Session['lastSent'] {
  // The most frequent request by far is an ACK, which names nothing.
  if (request.subscribe.length === 0 && request.unsubscribe.length === 0) return session.lastSent;
  const held = session.node === undefined ? request.initialVersions : NOTHING;
  const lastSent = new Map(session.lastSent);
  for (const name of distinctNames(request.unsubscribe)) lastSent.delete(name);
  for (const name of distinctNames(request.subscribe)) lastSent.set(name, held.get(name));
  return lastSent;
}
