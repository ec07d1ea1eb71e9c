// The gRPC edge on loopback with a scripted CA behind it, and a client that hides nothing: one
// attempt per call, and the status as it came.
import { credentials, makeGenericClientConstructor, Metadata, status, type ChannelCredentials } from '@grpc/grpc-js';
import type { JsonObject, MessageInitShape, MessageShape } from '@bufbuild/protobuf';
import { create } from '@bufbuild/protobuf';
import { SystemClock } from '../../../src/adapters/clock/system-clock.ts';
import { csrService, type CsrServiceSettings } from '../../../src/adapters/grpc/csr/service.ts';
import type { ServiceRegistration } from '../../../src/adapters/grpc/listeners/listener-view.ts';
import { serviceDefinition } from '../../../src/adapters/grpc/service-definition.ts';
import { Sources } from '../../../src/adapters/grpc/listeners/sources.ts';
import { TlsListener, type TlsListenerSettings } from '../../../src/adapters/grpc/listeners/tls-listener.ts';
import type { CsrAuthority, CsrRequest, IssuedChain } from '../../../src/authority/surface/surface.ts';
import {
  IstioCertificateRequestSchema,
  IstioCertificateService,
  type IstioCertificateResponseSchema,
} from '../../../src/gen/istio/v1/auth/certificate_service_pb.js';
import type { Caller } from '../../../src/domain/identity/caller.ts';
import type { Clock } from '../../../src/ports/platform/clock.ts';
import type { PresentedCredentials } from '../../../src/ports/issuing/authenticator.ts';
import { testAuthority, type TestAuthority } from '../../support/certificates.ts';
import { recordEvents, type RecordedEvents } from '../../support/fakes/recorded-events.ts';
import { leafUnder, type TestLeaf } from './leaves.ts';

export const NEVER = new AbortController().signal;

/** Strangers may have all places for as long as they like. */
export const PATIENT = { unauthenticatedShare: 1, unauthenticatedTimeoutMs: 60_000 } as const;

export const TLS_SETTINGS: TlsListenerSettings = {
  host: '127.0.0.1',
  port: 0,
  maxConnections: 100,
  ...PATIENT,
  maxHandshakes: 100,
  handshakeTimeoutMs: 5_000,
  maxStreamsPerConnection: 100,
};

export const CSR_SETTINGS: CsrServiceSettings = { deadlineMs: 5_000, maxInFlight: 100, maxInFlightEach: 100 };

export const CHAIN: IssuedChain = {
  leafPem: 'leaf\n',
  intermediatePems: ['first\n', 'second\n'],
  bundlePem: 'root one\nroot two\n',
  notBeforeMs: 0,
  notAfterMs: 0,
  decisionId: 'd1',
};

/** A CA that decodes what it is asked and answers as told; it remembers both. */
export class ScriptedAuthority implements CsrAuthority {
  readonly presented: PresentedCredentials[] = [];
  readonly orders: CsrRequest[] = [];
  readonly signals: AbortSignal[] = [];
  /** Whom every call proves. */
  caller: Caller | undefined;
  answer: (signal: AbortSignal) => Promise<IssuedChain> = async () => CHAIN;

  async answerCsr(
    presented: PresentedCredentials,
    decode: () => CsrRequest,
    { signal }: { readonly signal: AbortSignal },
  ): Promise<IssuedChain> {
    this.presented.push(presented);
    if (this.caller !== undefined) presented.onAuthenticated?.(this.caller);
    this.signals.push(signal);
    this.orders.push(decode());
    return this.answer(signal);
  }
}

export interface TlsEdge extends AsyncDisposable {
  readonly listener: TlsListener;
  readonly authority: ScriptedAuthority;
  readonly events: RecordedEvents;
  readonly pki: TestAuthority;
  readonly serving: TestLeaf;
  readonly port: number;
}

interface EdgeOptions {
  readonly tls?: Partial<TlsListenerSettings>;
  readonly csr?: Partial<CsrServiceSettings>;
  readonly services?: readonly ServiceRegistration[];
  /** For the ends of client certificates, not of calls. */
  readonly clock?: Clock;
}

/** A TLS listener with the CSR API behind it, started; dispose of it to close every connection at once. */
export async function openTlsEdge(options: EdgeOptions = {}): Promise<TlsEdge> {
  const pki = await testAuthority();
  const serving = await leafUnder(pki.intermediate, { dns: ['localhost'] });
  const events = recordEvents();
  const authority = new ScriptedAuthority();
  const csr = { authority, clock: new SystemClock(), events };
  const services = options.services ?? [csrService(csr, { ...CSR_SETTINGS, ...options.csr })];
  const { clock = new SystemClock() } = options;
  const listener = new TlsListener(
    { clock, events, services, sources: new Sources([]) },
    { ...TLS_SETTINGS, ...options.tls },
  );
  listener.setServingCertificate({ certChainPem: serving.chainPem, keyPem: serving.keyPem });
  listener.setClientTrust(pki.bundle.pem);
  await listener.start({ signal: NEVER });
  const port = Number(listener.address().split(':').at(-1));
  const close = async (): Promise<void> => listener.drain({ deadlineMs: 0 });
  return { listener, authority, events, pki, serving, port, [Symbol.asyncDispose]: close };
}

export interface Outcome {
  readonly code: status;
  readonly details: string;
  readonly metadata: Metadata;
  readonly response: MessageShape<typeof IstioCertificateResponseSchema> | undefined;
}

const CsrClient = makeGenericClientConstructor(serviceDefinition(IstioCertificateService), 'csr');

export interface CsrCall {
  readonly csr?: string;
  readonly validityDuration?: bigint;
  readonly metadata?: JsonObject;
  /** Sent in place of a message. */
  readonly raw?: Uint8Array;
  readonly headers?: Readonly<Record<string, string>>;
}

/** A client of the CSR API; `call` resolves with whatever status came. */
export class CsrWire implements Disposable {
  readonly #client: InstanceType<typeof CsrClient>;

  constructor(
    target: string,
    channel: ChannelCredentials = credentials.createInsecure(),
    more: Readonly<Record<string, number>> = {},
  ) {
    this.#client = new CsrClient(target, channel, {
      'grpc.ssl_target_name_override': 'localhost',
      'grpc.default_authority': 'localhost',
      'grpc.enable_retries': 0,
      'grpc.use_local_subchannel_pool': 1,
      ...more,
    });
  }

  /**
   * @param showing the client's certificate, or none.
   * @param more channel options of grpc-js.
   */
  static toTls({ port, pki }: TlsEdge, showing?: TestLeaf, more?: Readonly<Record<string, number>>): CsrWire {
    const key = showing && Buffer.from(showing.keyPem);
    const chain = showing && Buffer.from(showing.chainPem);
    return new CsrWire(`127.0.0.1:${port}`, credentials.createSsl(Buffer.from(pki.bundle.pem), key, chain), more);
  }

  async call(request: CsrCall = {}, onStart?: (cancel: () => void) => void): Promise<Outcome> {
    const { raw, headers = {}, ...fields } = request;
    const init: MessageInitShape<typeof IstioCertificateRequestSchema> = fields;
    const message = raw ?? create(IstioCertificateRequestSchema, init);
    const metadata = new Metadata();
    for (const [name, value] of Object.entries(headers)) metadata.set(name, value);
    const { requestSerialize, responseDeserialize, path } =
      serviceDefinition(IstioCertificateService).createCertificate!;
    return new Promise((resolve) => {
      const call = this.#client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize as (bytes: Buffer) => MessageShape<typeof IstioCertificateResponseSchema>,
        message,
        metadata,
        (error, response) =>
          resolve({
            code: error?.code ?? status.OK,
            details: error?.details ?? '',
            metadata: error?.metadata ?? new Metadata(),
            response,
          }),
      );
      onStart?.(() => call.cancel());
    });
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}
