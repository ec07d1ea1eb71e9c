// The memory of one SDS stream and the rules that both protocol variants share. Everything here is
// pure: no socket, no clock, no randomness. What was last sent is kept per name; what is pending is
// the difference to what is available, computed when the stream is free to carry it. So nothing is
// ever queued: a newer secret takes the place of an older one that was not sent yet. It is long because the rules of
// the two variants are held against each other here.
import { AuthorityError } from '../../../../domain/errors.ts';
import type { SpiffeId } from '../../../../domain/identity/spiffe-id.ts';
import { excessOf, OVERLONG, secretKindOf, WILDCARD, type SecretKind } from './resource-names.ts';
import { contentHash, type Availability, type SecretContent } from '../secret-content.ts';

export const SECRET_TYPE_URL = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret';

/** What is remembered of the proxy's node; it may come with the first message only. */
export interface ProxyNode {
  /** As the proxy names itself, not authenticated; may be empty. */
  readonly id: string;
  /** What the proxy asks for under SPIRE's metadata key; absent when it does not. */
  readonly spiffeValidator: boolean | undefined;
}

/** The parts that a request of either variant has. */
export interface DiscoveryMessage {
  readonly node: ProxyNode | undefined;
  readonly typeUrl: string;
  /** Of the response that this answers; empty when it answers none. */
  readonly nonce: string;
  /** The client's text when it rejects that response (error_detail, the only sign of a NACK). */
  readonly rejection: string | undefined;
  /** Whether the client says that it holds secrets from before. */
  readonly resumes: boolean;
}

export interface Session {
  readonly caller: SpiffeId;
  /** Begins every nonce of this stream, so that one of another stream cannot fit. */
  readonly salt: string;
  /** `undefined` until the first message. */
  readonly node: ProxyNode | undefined;
  /** The client came with secrets from before: what was not sent on this stream it may hold all the same. */
  readonly resumed: boolean;
  /**
   * A bundle in the place of another waits: the proxy may hold a certificate that it rejected, from which it would
   * build the new context, fail, and blame the bundle.
   */
  readonly bundleOnHold: boolean;
  /** The subscribed names, each with the version that was sent last, or ABSENT. */
  readonly lastSent: ReadonlyMap<string, string | undefined>;
  readonly available: Readonly<Record<SecretKind, Availability | undefined>>;
  /** How many responses were sent; the number of the last one ends its nonce. */
  readonly sent: number;
  /** What is in the response that is not answered yet; there is at most one. */
  readonly unanswered: readonly NamedSecret[] | undefined;
  /** The client closed its half, so no answer is waited for. */
  readonly finished: boolean;
  /** Versions that the proxy rejected, here or before it came back; never sent again on this stream. */
  readonly rejected: readonly string[];
}

export interface Reply {
  readonly nonce: string;
  /** Hash over what is sent. */
  readonly version: string;
  readonly secrets: readonly NamedSecret[];
  /** Names that the client must know not to exist; delta only. */
  readonly absent: readonly string[];
}

export interface NamedSecret {
  readonly name: string;
  readonly content: SecretContent;
}

export type Effect =
  | { readonly kind: 'send'; readonly reply: Reply }
  /** Begin or stop to report what is available of this secret, as `availability` events. */
  | { readonly kind: 'want' | 'release'; readonly secret: SecretKind }
  /** A response with secrets, that is; that a name does not exist is nothing to accept. */
  | { readonly kind: 'acknowledged'; readonly secrets: readonly NamedSecret[] }
  | { readonly kind: 'rejected'; readonly secrets: readonly NamedSecret[]; readonly message: string }
  | { readonly kind: 'unavailable'; readonly name: string; readonly why: string }
  /** The client has asked for all it wants, and everything was sent. */
  | { readonly kind: 'complete' }
  /** The stream is over. */
  | { readonly kind: 'end'; readonly error: AuthorityError };

export type SessionEvent<Request> =
  | { readonly kind: 'request'; readonly request: Request }
  | { readonly kind: 'availability'; readonly secret: SecretKind; readonly availability: Availability }
  /** What is known of the proxy from all its streams has changed. */
  | { readonly kind: 'known'; readonly bundleOnHold: boolean; readonly rejected: readonly string[] }
  /** The client closed its half, and still listens. */
  | { readonly kind: 'finished' }
  | { readonly kind: 'closed' };

export interface Step {
  readonly session: Session;
  readonly effects: readonly Effect[];
}

/** One variant of the protocol as a step function. */
export type StepFunction<Request> = (session: Session, event: SessionEvent<Request>) => Step;

/** The version of a name that does not exist. No content hash is spelled like this. */
export const ABSENT = '(absent)';
/** The oldest is forgotten; a client that rejects so much ends with its stream's age. */
const MAX_REJECTED = 32;

export function openSession(caller: SpiffeId, salt: string): Session {
  return {
    caller,
    salt,
    node: undefined,
    resumed: false,
    bundleOnHold: false,
    lastSent: new Map(),
    available: { svid: undefined, bundle: undefined },
    sent: 0,
    unanswered: undefined,
    finished: false,
    rejected: [],
  };
}

/** The nonce of the last response; empty before the first. */
export function currentNonce({ salt, sent }: Session): string {
  return sent === 0 ? '' : `${salt}-${sent}`;
}

/**
 * Whether a message is acceptable at all.
 * @param names all that the stream would have with it, each once.
 * @returns the error that ends the stream, if any: CAP-M03 or CAP-Q02.
 */
export function messageProblem(
  session: Session,
  message: DiscoveryMessage,
  names: Iterable<string>,
): AuthorityError | undefined {
  if (session.node === undefined && message.node === undefined) {
    return new AuthorityError('CAP-M03', { detail: 'the first message of a stream carries the node' });
  }
  // Empty is right, too: on this service the type goes without saying.
  if (message.typeUrl !== '' && message.typeUrl !== SECRET_TYPE_URL) {
    return new AuthorityError('CAP-M03', { detail: `type_url is not ${SECRET_TYPE_URL}` });
  }
  const excess = excessOf(names);
  return excess === undefined ? undefined : new AuthorityError('CAP-Q02', { detail: excess });
}

/** Takes an ACK or NACK of the unanswered response; anything else is none. */
export function takeAnswer(session: Session, { nonce, rejection }: DiscoveryMessage, effects: Effect[]): Session {
  if (session.unanswered === undefined || nonce !== currentNonce(session)) return session;
  if (rejection === undefined) {
    if (session.unanswered.length > 0) effects.push({ kind: 'acknowledged', secrets: session.unanswered });
    return { ...session, unanswered: undefined };
  }
  effects.push({ kind: 'rejected', secrets: session.unanswered, message: rejection });
  const rejected = withRejected(
    session,
    session.unanswered.map(({ content }) => content.version),
  );
  return { ...session, unanswered: undefined, rejected };
}

/** Takes what is known of the proxy from all its streams. */
function takeKnown(session: Session, { bundleOnHold, rejected }: Extract<SessionEvent<never>, { kind: 'known' }>) {
  return { ...session, bundleOnHold, rejected: withRejected(session, rejected) };
}

function withRejected(session: Session, versions: readonly string[]): readonly string[] {
  return [...new Set([...session.rejected, ...versions])].slice(-MAX_REJECTED);
}

/** Makes `lastSent` the subscription; wants what it newly needs and releases what it needs no more. */
export function subscribe(session: Session, lastSent: Session['lastSent'], effects: Effect[]): Session {
  for (const name of lastSent.keys()) {
    if (!session.lastSent.has(name)) reportIfUnavailable(session, name, effects);
  }
  const before = kindsNamed(session.caller, session.lastSent);
  const after = kindsNamed(session.caller, lastSent);
  const available: Record<SecretKind, Availability | undefined> = { ...session.available };
  for (const secret of after) if (!before.has(secret)) effects.push({ kind: 'want', secret });
  for (const secret of before) {
    if (after.has(secret)) continue;
    effects.push({ kind: 'release', secret });
    available[secret] = undefined;
  }
  return { ...session, lastSent, available };
}

/** Takes what did not come from the client. */
export function takeNews(
  session: Session,
  news: Extract<SessionEvent<never>, { kind: 'availability' | 'known' | 'finished' }>,
  effects: Effect[],
): Session {
  if (news.kind === 'finished') return { ...session, finished: true, unanswered: undefined };
  return news.kind === 'known'
    ? takeKnown(session, news)
    : takeAvailability(session, news.secret, news.availability, effects);
}

/** The first message names the node, and says whether it has secrets from before. */
export function introduced(session: Session, { node, resumes }: DiscoveryMessage): Session {
  return session.node === undefined ? { ...session, node, resumed: resumes } : session;
}

/** Takes news of one secret; of one that is not wanted any more they came too late. */
function takeAvailability(
  session: Session,
  secret: SecretKind,
  availability: Availability,
  effects: Effect[],
): Session {
  if (!kindsNamed(session.caller, session.lastSent).has(secret)) return session;
  const former = session.available[secret];
  const next = { ...session, available: { ...session.available, [secret]: availability } };
  if ('unavailable' in availability && !(former !== undefined && 'unavailable' in former)) {
    for (const name of session.lastSent.keys()) {
      if (secretKindOf(name, session.caller) === secret) reportIfUnavailable(next, name, effects);
    }
  }
  return next;
}

/** Sends everything that is pending in one response, unless one is under way. */
export function sendPending(
  session: Session,
  { sendsRemovals }: { readonly sendsRemovals: boolean },
  effects: Effect[],
) {
  if (session.unanswered !== undefined) return session;
  const secrets: NamedSecret[] = [];
  const absent: string[] = [];
  for (const [name, version] of session.lastSent) {
    const pending = pendingFor(session, name);
    if (pending === ABSENT) {
      if (sendsRemovals && version !== ABSENT) absent.push(name);
    } else if (pending !== undefined && pending.version !== version) secrets.push({ name, content: pending });
  }
  if (secrets.length === 0 && absent.length === 0) return session;
  return send(session, secrets, absent, effects);
}

/** Ends the session: whatever it wanted is released. */
export function close(session: Session): Step {
  const effects: Effect[] = [];
  return { session: subscribe(session, new Map(), effects), effects };
}

function send(session: Session, secrets: NamedSecret[], absent: string[], effects: Effect[]): Session {
  const lastSent = new Map(session.lastSent);
  for (const { name, content } of secrets) lastSent.set(name, content.version);
  for (const name of absent) lastSent.set(name, ABSENT);
  const next = { ...session, lastSent, unanswered: session.finished ? undefined : secrets, sent: session.sent + 1 };
  effects.push({ kind: 'send', reply: { nonce: currentNonce(next), version: replyVersion(secrets), secrets, absent } });
  return next;
}

function pendingFor(session: Session, name: string): SecretContent | typeof ABSENT | undefined {
  if (name === WILDCARD || name === OVERLONG) return undefined;
  const kind = secretKindOf(name, session.caller);
  if (kind === undefined) return ABSENT;
  const availability = session.available[kind];
  if (availability === undefined) return undefined;
  if ('unavailable' in availability) return ABSENT;
  if (kind === 'bundle' && session.bundleOnHold && holdsOne(session, name)) return undefined;
  return session.rejected.includes(availability.version) ? undefined : availability;
}

/** Whether the client has a secret under this name, as far as can be known. */
function holdsOne({ lastSent, resumed }: Session, name: string): boolean {
  const version = lastSent.get(name);
  return version === undefined ? resumed : version !== ABSENT;
}

function reportIfUnavailable(session: Session, name: string, effects: Effect[]): void {
  const kind = secretKindOf(name, session.caller);
  if (kind === undefined) {
    effects.push({ kind: 'unavailable', name, why: 'it is not a secret of the caller' });
    return;
  }
  const availability = session.available[kind];
  if (availability !== undefined && 'unavailable' in availability) {
    effects.push({ kind: 'unavailable', name, why: availability.unavailable.message });
  }
}

function kindsNamed(caller: SpiffeId, lastSent: Session['lastSent']): ReadonlySet<SecretKind> {
  const kinds = new Set<SecretKind>();
  for (const name of lastSent.keys()) {
    const kind = secretKindOf(name, caller);
    if (kind !== undefined) kinds.add(kind);
  }
  return kinds;
}

/** One secret lends the response its own version; several make one of their names and versions. */
export function replyVersion(secrets: readonly NamedSecret[]): string {
  const [first] = secrets;
  if (secrets.length === 1 && first !== undefined) return first.content.version;
  return contentHash(...secrets.map(({ name, content }) => `${name} ${content.version}`).sort());
}
