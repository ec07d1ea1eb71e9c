// Envoy's Secret Discovery Service at the wire: admits callers, opens their streams, and looks after
// the streams' times. A stream is authenticated once, when it opens; its age is bounded so that the
// proof is asked for again. It imports much because all that a stream needs is put together here.
import { SecretDiscoveryService } from '../../../gen/envoy/service/secret/v3/sds_pb.js';
import { AuthorityError } from '../../../domain/errors.ts';
import type { Caller } from '../../../domain/identity/caller.ts';
import type { Watcher, WorkloadSecrets } from '../../../authority/surface/surface.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { Events } from '../../../ports/platform/events.ts';
import type { ProxyNotes } from '../../../ports/storage/evidence.ts';
import type { Random } from '../../../ports/platform/random.ts';
import { orAborted } from '../../../live/abortable.ts';
import { CallTime } from '../call-time.ts';
import { callConnection } from '../listeners/call-connection.ts';
import type { ListenerView, ServiceRegistration } from '../listeners/listener-view.ts';
import { RefusalDelay } from '../refusal-delay.ts';
import { serviceDefinition, type Handlers } from '../service-definition.ts';
import { toServiceError } from '../status.ts';
import { FairAdmission } from '../fair-admission.ts';
import { unaryHandler } from '../unary-call.ts';
import { encodeSotwReply } from './encode.ts';
import { fetchSecrets } from './fetch.ts';
import { KnownProxies, type QuarantinedRejection } from './proxies/known-proxies.ts';
import { MessageRateLimit } from './message-rate-limit.ts';
import { DELTA, readMessage, SOTW, type Protocol } from './session/protocol.ts';
import { SecretFeeds } from './secret-feeds.ts';
import { SecretStream, type BytesCall, type StreamParts, type StreamSettings } from './secret-stream.ts';
import type { DiscoveryMessage } from './session/session.ts';
import { StreamRegister, type RegisterSettings } from './proxies/stream-register.ts';

export interface SdsParts {
  readonly secrets: WorkloadSecrets;
  readonly clock: Clock;
  readonly random: Random;
  readonly events: Events;
  readonly evidence: ProxyNotes;
}

export interface SdsSettings extends StreamSettings, RegisterSettings {
  /** A stream ends, cleanly, at nine tenths to ten tenths of this age (CAP-S09). */
  readonly maxStreamAgeMs: number;
  /** For authenticating a stream, and for a whole FetchSecrets; afterwards CAP-S07. */
  readonly deadlineMs: number;
}

/** Streams that opened together do not end together. */
const AGE_JITTER = 0.1;
/** How long a stream has been quiet when it is ended for its age; at most half of a very short age. */
const QUIET_MS = 5_000;
/** Unary calls are for tools: few at a time. */
const FETCHES = { maxInFlight: 100, maxInFlightEach: 25 };
const STREAM_ID_BYTES = 6;

export class SdsService {
  readonly #parts: SdsParts;
  readonly #settings: SdsSettings;
  readonly #register: StreamRegister;
  readonly #feeds: SecretFeeds;
  readonly #proxies = new KnownProxies();
  readonly #streamParts: StreamParts;
  readonly #fetches: FairAdmission;
  readonly #rateLimit: MessageRateLimit;
  readonly #refusals = new RefusalDelay();

  constructor(parts: SdsParts, settings: SdsSettings) {
    this.#parts = parts;
    this.#settings = settings;
    this.#fetches = new FairAdmission({ ...FETCHES, ...settings });
    this.#register = new StreamRegister(settings);
    this.#feeds = new SecretFeeds(parts);
    const { clock, events, evidence } = parts;
    this.#rateLimit = new MessageRateLimit(clock);
    const onClosed: StreamParts['onClosed'] = (stream) => this.#register.remove(stream);
    this.#streamParts = {
      feeds: this.#feeds,
      proxies: this.#proxies,
      rateLimit: this.#rateLimit,
      evidence,
      clock,
      events,
      onClosed,
    };
  }

  /** What operators ask for, at this moment. */
  status(): { readonly streams: number; readonly rejections: readonly QuarantinedRejection[] } {
    return { streams: this.#register.open, rejections: this.#proxies.rejections() };
  }

  /** Puts SDS behind a listener; all listeners share feeds and bounds. Its streams end when the listener drains. */
  readonly register: ServiceRegistration = (server, listener) => {
    const handlers: Handlers<typeof SecretDiscoveryService> = {
      streamSecrets: (call) => void this.#open(listener, call as BytesCall, SOTW),
      deltaSecrets: (call) => void this.#open(listener, call as BytesCall, DELTA),
      fetchSecrets: this.#fetchHandler(listener),
    };
    server.addService(serviceDefinition(SecretDiscoveryService), { ...handlers });
    // Its caller comes back on another connection, and proves itself there.
    listener.onLeaving?.((peer) => this.#register.endOfConnection(listener, peer, new AuthorityError('CAP-S09')));
    listener.draining.addEventListener('abort', () => this.#register.endAllOf(listener, listener.draining.reason), {
      once: true,
    });
  };

  /** Watches the deadlines and ages of streams until the signal aborts; without it no stream ever times out. */
  async run(options: { readonly signal: AbortSignal }): Promise<void> {
    this.#parts.secrets.onGone((gone) => this.#register.endOfGone(gone), options);
    await this.#register.sweep(this.#parts.clock, options);
  }

  /** Never rejects: what goes wrong is the stream's status. */
  async #open<Request extends DiscoveryMessage>(
    listener: ListenerView,
    call: BytesCall,
    protocol: Protocol<Request>,
  ): Promise<void> {
    const howItEnded = callConnection();
    const owner = listener.ownerOf(call);
    try {
      listener.draining.throwIfAborted();
      this.#register.admit(owner);
    } catch (error) {
      this.#refuse(listener, call, error);
      return;
    }
    try {
      const watcher = await this.#authenticate(listener, call).finally(() => this.#register.authenticationDone(owner));
      const { caller } = watcher;
      if (call.cancelled) throw new AuthorityError('CAP-X02');
      this.#register.demandRoomFor(caller);
      const context = { call, listener, protocol, watcher, streamId: this.#newId(), ...this.#times(caller) };
      const stream = new SecretStream(this.#streamParts, this.#settings, context);
      this.#register.add(stream);
      call.once('cancelled', () => stream.gone(howItEnded()));
      // A stream that is reset, or whose connection is gone, ends as well, and is cancelled right after.
      call.once('end', () => setImmediate(() => stream.finished()));
      call.on('data', (bytes: Uint8Array) => stream.receive(bytes));
    } catch (error) {
      this.#register.releasePlace();
      this.#refuse(listener, call, error);
    }
  }

  #refuse(listener: ListenerView, call: BytesCall, error: unknown): void {
    const { events } = this.#parts;
    // A refusal with a decision is on record; any other is at least counted.
    if (error instanceof AuthorityError && error.decisionId === undefined) {
      events.requestDropped({ listener: listener.kind, remoteAddress: call.getPeer(), reason: error.reason });
    }
    const status = toServiceError(error, { events, where: 'SDS' });
    this.#refusals.answer(listener.ownerOf(call), error, () => void call.emit('error', status));
  }

  /** Bounded by the deadline, the drain of the listener and the client's patience, whichever ends first. */
  async #authenticate(listener: ListenerView, call: BytesCall): Promise<Watcher> {
    const time = new CallTime(call, { deadlineMs: this.#settings.deadlineMs, clock: this.#parts.clock });
    const signal = AbortSignal.any([listener.draining, time.signal]);
    try {
      const presented = listener.presentedBy(call);
      return await orAborted(this.#parts.secrets.authenticate(presented, { signal }), signal);
    } finally {
      time.end();
    }
  }

  #times({ expiresAtMs = Infinity }: Caller): { readonly retireAtMs: number; readonly quietMs: number } {
    const { clock, random } = this.#parts;
    const { maxStreamAgeMs } = this.#settings;
    const quietMs = Math.min(QUIET_MS, maxStreamAgeMs / 2);
    const ageMs = maxStreamAgeMs * (1 - AGE_JITTER * random.fraction());
    const proofMs = expiresAtMs - clock.nowMs() - 2 * quietMs;
    return { retireAtMs: clock.monotonicMs() + Math.max(0, Math.min(ageMs, proofMs)), quietMs };
  }

  #newId(): string {
    return Buffer.from(this.#parts.random.bytes(STREAM_ID_BYTES)).toString('hex');
  }

  #fetchHandler(listener: ListenerView) {
    const { secrets, clock, events } = this.#parts;
    return unaryHandler<Uint8Array>(
      {
        listener,
        admission: this.#fetches,
        refusals: this.#refusals,
        clock,
        events,
        where: 'SDS fetch',
        work: async (call, options) => {
          const presented = listener.presentedBy(call);
          const watcher = await secrets.authenticate(presented, options);
          const owner = watcher.caller.identity.namespace;
          await this.#rateLimit.turn(owner, options);
          const request = readMessage(SOTW, call.request, { rateLimit: this.#rateLimit, owner });
          const validator = request.node?.spiffeValidator ?? this.#settings.spiffeValidator;
          const shape = validator ? 'spiffe-validator' : 'plain';
          const context = { watcher, request, shape, streamId: this.#newId() } as const;
          return encodeSotwReply(await fetchSecrets({ feeds: this.#feeds, clock, events }, context, options));
        },
      },
      this.#settings,
    );
  }
}
