// One open stream: the client's messages and the updates of the feeds go into the session, and the effects that
// the session returns are performed. Thousands of these are idle at any time, so each is one object with
// nothing of its own that ticks: its deadlines are looked at from outside (`checkTime`). It is long, and imports
// much, because every effect of a session is performed here; what is decided is in session.ts.
import type { ServerDuplexStream } from '@grpc/grpc-js';
import { AuthorityError } from '../../../domain/errors.ts';
import { workloadKey } from '../../../domain/identity/workload-key.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { Events, StreamFacts } from '../../../ports/platform/events.ts';
import { SEEN_EVERY_MS, type ProxyNotes } from '../../../ports/storage/evidence.ts';
import type { Watcher } from '../../../authority/surface/surface.ts';
import type { ListenerView } from '../listeners/listener-view.ts';
import { toServiceError } from '../status.ts';
import type { MessageRateLimit, RateLimited } from './message-rate-limit.ts';
import { readMessage, type Protocol } from './session/protocol.ts';
import { secretKindOf, type SecretKind } from './session/resource-names.ts';
import { rejectedSecret, type BundleShape } from './secret-content.ts';
import { isProven, type FeedFollower, type SecretFeed, type SecretFeeds } from './secret-feeds.ts';
import type { KnownProxies, Membership } from './proxies/known-proxies.ts';
import type { ProxyStream } from './proxies/known-proxy.ts';
import {
  openSession,
  type DiscoveryMessage,
  type Effect,
  type ProxyNode,
  type Reply,
  type Session,
  type Step,
} from './session/session.ts';

/** A grpc-js call whose messages are bytes in both directions. */
export type BytesCall = ServerDuplexStream<Uint8Array, Uint8Array>;

export interface StreamParts {
  readonly feeds: SecretFeeds;
  readonly proxies: KnownProxies;
  readonly rateLimit: MessageRateLimit;
  readonly evidence: ProxyNotes;
  readonly clock: Clock;
  readonly events: Events;
  /** Called once, when the stream is over. */
  readonly onClosed: (stream: AnyStream) => void;
}

export interface StreamSettings {
  /** Bundles go out for the SPIFFE validator unless the proxy's node asks otherwise. */
  readonly spiffeValidator: boolean;
  /** A client that has not answered a response for so long is cut off (CAP-S08). */
  readonly acknowledgeWithinMs: number;
}

/** Whose stream it is and how long it may last. */
export interface StreamContext<Request> {
  readonly call: BytesCall;
  readonly listener: ListenerView;
  readonly protocol: Protocol<Request>;
  readonly watcher: Watcher;
  /** Unique; begins the nonces. */
  readonly streamId: string;
  /** From then on the stream ends when it has been quiet for `quietMs`. By the monotonic clock. */
  readonly retireAtMs: number;
  /** Never end right after a message: to Envoy a message resets its back-off. */
  readonly quietMs: number;
}

/** The longest answer to a push that is read without a limit: some names, a version, a nonce, or why it is rejected. */
const MAX_ANSWER_BYTES = 1024;

/** Characters of a node id that are noted; what proxies of one workload have in common beyond is one proxy. */
const MAX_PROXY = 256;

/** A stream of either variant, as the register sees it. */
export type AnyStream = Pick<
  SecretStream<never>,
  'watcher' | 'listener' | 'receive' | 'checkTime' | 'end' | 'finished' | 'gone'
>;

export class SecretStream<Request extends DiscoveryMessage> implements FeedFollower, ProxyStream, RateLimited {
  readonly #parts: StreamParts;
  readonly #settings: StreamSettings;
  readonly #context: StreamContext<Request>;
  readonly #facts: StreamFacts;
  readonly #feeds: Record<SecretKind, SecretFeed | undefined> = { svid: undefined, bundle: undefined };
  #session: Session;
  /** Its place among the streams of its proxy, from the first message on. */
  #membership: Membership | undefined;
  /** When something was last sent to the client; by the monotonic clock. */
  #spokeAtMs: number;
  /** A message that waits for its turn; meanwhile the call is paused, and no other comes. */
  #held: { readonly bytes: Uint8Array; readonly sinceMs: number } | undefined;
  /** What was sent last was no answer to a message, and is not acknowledged yet. */
  #pushed = false;
  /** When the proxy was last noted; by the monotonic clock. */
  #notedAtMs: number;
  #closed = false;

  constructor(parts: StreamParts, settings: StreamSettings, context: StreamContext<Request>) {
    this.#parts = parts;
    this.#settings = settings;
    this.#context = context;
    const { spiffeId } = context.watcher.caller.identity;
    this.#facts = { streamId: context.streamId, caller: spiffeId.uri, protocol: context.protocol.name };
    this.#session = openSession(spiffeId, context.streamId);
    this.#spokeAtMs = parts.clock.monotonicMs();
    this.#notedAtMs = this.#spokeAtMs;
    parts.events.streamOpened(this.#facts);
  }

  get watcher(): Watcher {
    return this.#context.watcher;
  }

  get listener(): ListenerView {
    return this.#context.listener;
  }

  receive(bytes: Uint8Array): void {
    if (this.#closed) return;
    const { rateLimit, clock } = this.#parts;
    if (this.#isDue(bytes) || rateLimit.enter(this.#namespace, this)) {
      this.#take(bytes);
      return;
    }
    this.#held = { bytes, sinceMs: clock.monotonicMs() };
    this.#context.call.pause();
  }

  proceed(): void {
    const held = this.#held;
    if (held === undefined) return;
    this.#held = undefined;
    // Its client may have sent it long ago: the time for which we did not read is not counted.
    this.#spokeAtMs += this.#parts.clock.monotonicMs() - held.sinceMs;
    this.#take(held.bytes);
    this.#context.call.resume();
  }

  get #namespace(): string {
    return this.#context.watcher.caller.identity.namespace;
  }

  /**
   * Whether this is the short answer to a push: a new anchor goes to all streams of a namespace at once, and their
   * ACKs, which we caused, must not use up what the namespace may say. Each push frees one message at most.
   */
  #isDue(bytes: Uint8Array): boolean {
    return this.#pushed && bytes.length <= MAX_ANSWER_BYTES;
  }

  #take(bytes: Uint8Array): void {
    const { protocol } = this.#context;
    const { rateLimit } = this.#parts;
    const account = this.#isDue(bytes) ? undefined : { rateLimit, owner: this.#namespace };
    this.#pushed = false;
    this.#guarded(() => {
      const request = readMessage(protocol, bytes, account);
      if (this.#membership === undefined && request.node !== undefined) this.#joinProxy(request.node, request.resumes);
      // What was good when it came in may be expired by now; the answer is made from what is good now.
      this.#takeAvailable();
      this.#apply(protocol.step(this.#session, { kind: 'request', request }));
    });
  }

  refresh(): void {
    this.#guarded(() => this.#push());
  }

  proxyChanged(): void {
    this.#guarded(() => {
      if (this.#membership !== undefined) this.#learn(this.#membership, this.#session.resumed);
      this.#push();
    });
  }

  abandon(error: unknown): void {
    this.end(error);
  }

  /** Ends the stream when one of its times is over. */
  checkTime(monotonicMs: number): void {
    const { retireAtMs, quietMs } = this.#context;
    const { acknowledgeWithinMs } = this.#settings;
    if (monotonicMs >= this.#notedAtMs + SEEN_EVERY_MS) this.#noteProxy();
    const quietForMs = (this.#held?.sinceMs ?? monotonicMs) - this.#spokeAtMs;
    const silent = this.#session.node === undefined;
    const waiting = silent || this.#session.unanswered !== undefined;
    if (this.#proofIsOver()) this.end(new AuthorityError('CAP-S09'));
    else if (this.#session.finished && quietForMs >= acknowledgeWithinMs) this.end(new AuthorityError('CAP-S07'));
    else if (waiting && quietForMs >= acknowledgeWithinMs) {
      this.end(new AuthorityError('CAP-S08', silent ? { detail: 'no request came' } : {}));
    } else if (monotonicMs >= retireAtMs + acknowledgeWithinMs) this.end(new AuthorityError('CAP-S09'));
    else if (!waiting && monotonicMs >= retireAtMs && quietForMs >= quietMs) this.end(new AuthorityError('CAP-S09'));
  }

  /** Ends the stream by our will. */
  end(error: unknown): void {
    if (this.#closed) return;
    const { events } = this.#parts;
    const status = toServiceError(error, { events, where: `SDS ${this.#context.protocol.name}` });
    this.#close(status.details);
    this.#context.call.emit('error', status);
  }

  /** The client closed its half, and still listens. */
  finished(): void {
    this.#guarded(() => {
      this.#spokeAtMs = this.#parts.clock.monotonicMs();
      this.#takeAvailable();
      this.#apply(this.#context.protocol.step(this.#session, { kind: 'finished' }));
    });
  }

  /** The client is gone. */
  gone(why: string): void {
    if (this.#closed) return;
    this.#close(why);
    this.#context.call.end();
  }

  #guarded(work: () => void): void {
    if (this.#closed) return;
    try {
      if (this.#proofIsOver()) throw new AuthorityError('CAP-S09');
      work();
    } catch (error) {
      this.end(error);
    }
  }

  /** Nothing is sent once the caller's credential has expired. */
  #proofIsOver(): boolean {
    return !isProven(this.#context.watcher, this.#parts.clock.nowMs());
  }

  /** Before the first message is answered: what the proxy rejected elsewhere must not be its answer. */
  #joinProxy({ id: nodeId }: ProxyNode, resumes: boolean): void {
    const { watcher, listener } = this.#context;
    const { caller, remoteAddress: connection } = watcher;
    const workload = workloadKey(caller);
    const { namespace } = caller.identity;
    const facts = { workload, namespace, nodeId, ...(listener.kind !== 'unix' && { connection }) };
    this.#membership = this.#parts.proxies.join(facts, this);
    this.#learn(this.#membership, resumes);
  }

  #learn({ proxy }: Membership, resumes: boolean): void {
    const { bundleOnHold } = proxy;
    const rejected = proxy.rejected(resumes);
    this.#apply(this.#context.protocol.step(this.#session, { kind: 'known', bundleOnHold, rejected }));
  }

  /** What is new without a message. */
  #push(): void {
    const { sent } = this.#session;
    this.#takeAvailable();
    if (this.#session.sent > sent) this.#pushed = true;
  }

  #takeAvailable(): void {
    const nowMs = this.#parts.clock.nowMs();
    for (const secret of ['svid', 'bundle'] as const) {
      const found = this.#feeds[secret]?.availability(this.#shape(), nowMs);
      const availability = found && (this.#membership?.proxy.sendable(found) ?? found);
      if (availability === undefined || availability === this.#session.available[secret]) continue;
      this.#apply(this.#context.protocol.step(this.#session, { kind: 'availability', secret, availability }));
      if (secret === 'bundle') this.#noteWhatItCameWith();
    }
  }

  #shape(): BundleShape {
    return (this.#session.node?.spiffeValidator ?? this.#settings.spiffeValidator) ? 'spiffe-validator' : 'plain';
  }

  #apply({ session, effects }: Step): void {
    this.#session = session;
    for (const effect of effects) this.#perform(effect);
    if (effects.some(({ kind }) => kind === 'want')) this.#takeAvailable();
  }

  #perform(effect: Effect): void {
    const { events, clock } = this.#parts;
    switch (effect.kind) {
      case 'send':
        this.#send(effect.reply);
        break;
      case 'want':
        this.#feeds[effect.secret] = this.#follow(effect.secret);
        if (effect.secret === 'bundle') this.#membership?.proxy.asksForBundle(clock.nowMs());
        this.#noteProxy();
        break;
      case 'release':
        this.#leave(effect.secret);
        break;
      case 'acknowledged':
        events.secretAcknowledged({ ...this.#facts, latencyMs: clock.monotonicMs() - this.#spokeAtMs });
        this.#membership?.proxy.acknowledged(effect.secrets, clock.nowMs());
        this.#noteProxy();
        break;
      case 'rejected':
        this.#reject(effect);
        break;
      case 'unavailable':
        events.secretUnavailable({ ...this.#facts, name: effect.name, why: effect.why });
        break;
      case 'complete':
        this.gone('the client ended the stream');
        break;
      case 'end':
        this.end(effect.error);
    }
  }

  #send(reply: Reply): void {
    this.#spokeAtMs = this.#parts.clock.monotonicMs();
    // Never more than one response waits here, so what `write` returns does not matter.
    this.#context.call.write(this.#context.protocol.encode(reply));
    if (reply.secrets.length === 0) return;
    const names = reply.secrets.map(({ name }) => name);
    this.#parts.events.secretPushed({ ...this.#facts, names, version: reply.version });
  }

  #reject({ secrets, message }: Extract<Effect, { kind: 'rejected' }>): void {
    const { events, clock } = this.#parts;
    const { caller, remoteAddress } = this.#context.watcher;
    const { podName } = caller.pod ?? {};
    const facts = {
      ...this.#facts,
      nodeId: this.#session.node?.id ?? '',
      ...(podName !== undefined && { podName }),
      remoteAddress,
      secrets: secrets.map(rejectedSecret),
      message,
    };
    events.secretRejected(facts);
    this.#membership?.proxy.rejects(secrets, { ...facts, rejectedAtMs: clock.nowMs() });
    this.#noteProxy();
  }

  /** A client of delta that holds what is in force already is sent none, and acknowledges none. */
  #noteWhatItCameWith(): void {
    const { sent, lastSent, available, caller } = this.#session;
    if (sent > 0) return;
    for (const [name, version] of lastSent) {
      const kind = secretKindOf(name, caller);
      const content = kind === undefined ? undefined : available[kind];
      if (content === undefined || 'unavailable' in content || content.version !== version) continue;
      this.#membership?.proxy.has(content, this.#parts.clock.nowMs());
      this.#noteProxy();
    }
  }

  /** What is known of the proxy; nothing where none of its streams asks for one. */
  #noteProxy(): void {
    const { evidence, clock } = this.#parts;
    const { caller, remoteAddress } = this.#context.watcher;
    const { standing } = this.#membership?.proxy ?? {};
    this.#notedAtMs = clock.monotonicMs();
    if (standing === undefined) return;
    const { podUid } = caller.pod ?? {};
    const nodeId = this.#session.node?.id ?? '';
    evidence.note({
      identity: caller.identity.spiffeId.uri,
      ...(caller.remoteCluster !== undefined && { remoteCluster: caller.remoteCluster }),
      ...(podUid !== undefined && { podUid }),
      proxy: (nodeId === '' ? remoteAddress : nodeId).slice(0, MAX_PROXY),
      ...standing,
      seenMs: clock.nowMs(),
    });
  }

  #follow(secret: SecretKind): SecretFeed {
    const { feeds } = this.#parts;
    return secret === 'svid' ? feeds.followSvid(this) : feeds.followBundle(this);
  }

  #leave(secret: SecretKind): void {
    this.#feeds[secret]?.leave(this);
    this.#feeds[secret] = undefined;
  }

  #close(why: string): void {
    this.#closed = true;
    this.#held = undefined;
    this.#parts.rateLimit.forget(this.#namespace, this);
    this.#apply(this.#context.protocol.step(this.#session, { kind: 'closed' }));
    this.#membership?.leave();
    this.#parts.events.streamClosed({ ...this.#facts, why });
    this.#parts.onClosed(this);
  }
}
