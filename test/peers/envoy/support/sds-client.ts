// A synthetic SDS client: subscribes, acknowledges everything and keeps what it saw, down to the raw
// bytes. Many of them make the crowds that would take too many Envoys.
import { EventEmitter, once } from 'node:events';
import { create, fromBinary } from '@bufbuild/protobuf';
import * as grpc from '@grpc/grpc-js';
import { SecretSchema, type Secret } from '../../../../src/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js';
import {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
} from '../../../../src/gen/envoy/service/discovery/v3/discovery_pb.js';
import type { ApiType } from './bootstrap.ts';
import { type Capstan, SERVER_NAME } from '../../support/capstan.ts';
import { METHODS, SECRET_TYPE_URL } from './sds-wire.ts';

export interface Target {
  /** `unix:<path>` or `<host>:<port>`. */
  readonly address: string;
  /** For TLS: the server's CA and the name that its certificate must carry; plaintext without. */
  readonly tls?: { readonly anchorsPem: string; readonly serverName: string };
  /** Goes out as a bearer token on every stream. */
  readonly token?: string;
}

/** The socket of a service account. */
export function unixTarget(capstan: Capstan, serviceAccount: string): Target {
  return { address: `unix:${capstan.socket(serviceAccount)}` };
}

/** The TLS listener, as whoever the token speaks for. */
export function tlsTarget(capstan: Capstan, token: string): Target {
  const tls = { anchorsPem: capstan.anchorsPem, serverName: SERVER_NAME };
  return { address: `127.0.0.1:${capstan.tlsPort}`, tls, token };
}

/** Without a pool of its own, the clients of one process would share a connection. */
const OPTIONS: grpc.ClientOptions = { 'grpc.use_local_subchannel_pool': 1 };

/** One HTTP/2 connection's worth of streams. */
export class SdsClient implements Disposable {
  readonly #client: grpc.Client;
  readonly #metadata = new grpc.Metadata();

  constructor({ address, tls, token }: Target) {
    if (token !== undefined) this.#metadata.set('authorization', `Bearer ${token}`);
    this.#client =
      tls === undefined
        ? new grpc.Client(address, grpc.credentials.createInsecure(), OPTIONS)
        : new grpc.Client(address, grpc.credentials.createSsl(Buffer.from(tls.anchorsPem)), {
            ...OPTIONS,
            'grpc.ssl_target_name_override': tls.serverName,
          });
  }

  stream(apiType: ApiType, names: readonly string[]): SdsClientStream {
    const wire = apiType === 'GRPC' ? SOTW : DELTA;
    const asBuffer = (bytes: Uint8Array): Buffer => Buffer.from(bytes);
    const call = this.#client.makeBidiStreamRequest(wire.path, asBuffer, (bytes) => bytes, this.#metadata);
    return new SdsClientStream(call, wire, names);
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }
}

/** What one response carried. */
export interface Delivery {
  readonly secrets: ReadonlyMap<string, Secret>;
  readonly removed: readonly string[];
  readonly nonce: string;
  readonly version: string;
}

type Call = grpc.ClientDuplexStream<Uint8Array, Buffer>;

export class SdsClientStream implements Disposable {
  readonly deliveries: Delivery[] = [];
  /** The response messages as they came. */
  readonly frames: Buffer[] = [];
  /** How the server ended the stream, once it has. */
  readonly ended: Promise<grpc.StatusObject>;
  readonly #call: Call;
  readonly #news = new EventEmitter();

  constructor(call: Call, wire: Wire, names: readonly string[]) {
    this.#call = call;
    this.ended = new Promise((resolve) => call.on('status', resolve));
    call.on('error', () => undefined); // the status tells the same
    call.on('data', (frame: Buffer) => {
      this.frames.push(frame);
      const delivery = wire.decode(frame);
      this.deliveries.push(delivery);
      call.write(wire.request(names, delivery));
      this.#news.emit('delivery');
    });
    call.write(wire.request(names));
  }

  /** The newest secret of this name, whichever response carried it. */
  latest(name: string): Secret | undefined {
    return this.deliveries.findLast(({ secrets }) => secrets.has(name))?.secrets.get(name);
  }

  /** Until the stream has had at least `count` responses. */
  async delivered(count: number, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    while (this.deliveries.length < count) await once(this.#news, 'delivery', { signal });
  }

  [Symbol.dispose](): void {
    this.#call.cancel();
  }
}

interface Wire {
  readonly path: string;
  readonly decode: (frame: Buffer) => Delivery;
  /** The first request without `answer`; otherwise the ACK of it. */
  readonly request: (names: readonly string[], answer?: Delivery) => Uint8Array;
}

const NODE = { id: 'synthetic', cluster: 'acceptance' };

const SOTW: Wire = {
  path: METHODS.streamSecrets.path,
  decode: (frame) => {
    const { resources, nonce, versionInfo } = fromBinary(DiscoveryResponseSchema, frame);
    const secrets = resources.map(({ value }) => fromBinary(SecretSchema, value));
    return { secrets: byName(secrets), removed: [], nonce, version: versionInfo };
  },
  request: (names, answer) =>
    METHODS.streamSecrets.requestSerialize(
      create(DiscoveryRequestSchema, {
        typeUrl: SECRET_TYPE_URL,
        resourceNames: [...names],
        ...(answer === undefined ? { node: NODE } : { responseNonce: answer.nonce, versionInfo: answer.version }),
      }),
    ),
};

const DELTA: Wire = {
  path: METHODS.deltaSecrets.path,
  decode: (frame) => {
    const message = fromBinary(DeltaDiscoveryResponseSchema, frame);
    const secrets = message.resources.flatMap(({ resource }) =>
      resource === undefined ? [] : [fromBinary(SecretSchema, resource.value)],
    );
    const version = message.resources[0]?.version ?? '';
    return { secrets: byName(secrets), removed: message.removedResources, nonce: message.nonce, version };
  },
  request: (names, answer) =>
    METHODS.deltaSecrets.requestSerialize(
      create(DeltaDiscoveryRequestSchema, {
        typeUrl: SECRET_TYPE_URL,
        ...(answer === undefined
          ? { node: NODE, resourceNamesSubscribe: [...names] }
          : { responseNonce: answer.nonce }),
      }),
    ),
};

function byName(secrets: readonly Secret[]): ReadonlyMap<string, Secret> {
  return new Map(secrets.map((secret) => [secret.name, secret]));
}
