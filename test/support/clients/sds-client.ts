// A client of SDS that says exactly what a test tells it to, right or wrong, and shows what came back.
// It acknowledges nothing by itself.
import { create, type MessageInitShape, type MessageShape } from '@bufbuild/protobuf';
import { anyUnpack } from '@bufbuild/protobuf/wkt';
import * as grpc from '@grpc/grpc-js';
import { serviceDefinition } from '../../../src/adapters/grpc/service-definition.ts';
import { SPIFFECertValidatorConfigSchema } from '../../../src/gen/envoy/extensions/transport_sockets/tls/v3/tls_spiffe_validator_config_pb.js';
import { SecretSchema, type Secret } from '../../../src/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js';
import {
  DeltaDiscoveryRequestSchema,
  DiscoveryRequestSchema,
  type DeltaDiscoveryResponse,
  type DiscoveryResponse,
} from '../../../src/gen/envoy/service/discovery/v3/discovery_pb.js';
import { SecretDiscoveryService } from '../../../src/gen/envoy/service/secret/v3/sds_pb.js';

export const SECRET_TYPE_URL = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret';
export const NODE = { id: 'sidecar', cluster: 'test' };

const METHODS = serviceDefinition(SecretDiscoveryService);

export type SotwInit = MessageInitShape<typeof DiscoveryRequestSchema>;
export type DeltaInit = MessageInitShape<typeof DeltaDiscoveryRequestSchema>;

export interface SdsClientOptions {
  readonly token?: string;
  readonly credentials?: grpc.ChannelCredentials;
}

export class SdsClient implements Disposable {
  readonly #client: grpc.Client;
  readonly #metadata = new grpc.Metadata();

  /** @param address as grpc-js spells it, `unix:<path>` for a socket; without credentials, plaintext. */
  constructor(address: string, options: SdsClientOptions = {}) {
    // Without a pool of its own it would share the connection of every other client of this process.
    this.#client = new grpc.Client(address, options.credentials ?? grpc.credentials.createInsecure(), {
      'grpc.use_local_subchannel_pool': 1,
      // A name of the server's certificate; an address cannot be asked for in a handshake.
      ...(options.credentials !== undefined && { 'grpc.ssl_target_name_override': 'localhost' }),
    });
    if (options.token !== undefined) this.#metadata.set('authorization', `Bearer ${options.token}`);
  }

  sotw(): SotwClientStream {
    return new SotwClientStream(this.#stream('streamSecrets'));
  }

  delta(): DeltaClientStream {
    return new DeltaClientStream(this.#stream('deltaSecrets'));
  }

  /** Rejects with the grpc.ServiceError. */
  async fetch(init: SotwInit): Promise<DiscoveryResponse> {
    const method = METHODS['fetchSecrets']! as grpc.MethodDefinition<unknown, DiscoveryResponse>;
    return new Promise((resolve, reject) => {
      const request = create(DiscoveryRequestSchema, { typeUrl: SECRET_TYPE_URL, ...init });
      const { path, requestSerialize, responseDeserialize } = method;
      this.#client.makeUnaryRequest(
        path,
        requestSerialize,
        responseDeserialize,
        request,
        this.#metadata,
        (error, value) => (error === null ? resolve(value!) : reject(error)),
      );
    });
  }

  [Symbol.dispose](): void {
    this.#client.close();
  }

  #stream<Response>(name: string): grpc.ClientDuplexStream<unknown, Response> {
    const { path, requestSerialize, responseDeserialize } = METHODS[name]! as grpc.MethodDefinition<unknown, Response>;
    return this.#client.makeBidiStreamRequest(path, requestSerialize, responseDeserialize, this.#metadata);
  }
}

abstract class ClientStream<Response extends { readonly nonce: string }> {
  /** Every response so far, in order. */
  readonly responses: Response[] = [];
  /** How the server ended the stream, once it has. */
  readonly ended: Promise<grpc.StatusObject>;
  readonly call: grpc.ClientDuplexStream<unknown, Response>;
  #read = 0;
  #wake: () => void = () => undefined;

  constructor(call: grpc.ClientDuplexStream<unknown, Response>) {
    this.call = call;
    this.ended = new Promise((resolve) => call.on('status', resolve));
    call.on('error', () => undefined); // the status tells the same
    call.on('data', (response: Response) => {
      this.responses.push(response);
      this.#wake();
    });
  }

  /** The next response that was not read yet; fails when the stream ends instead. */
  async next(): Promise<Response> {
    const over = this.ended.then(({ code, details }) => {
      throw new Error(`the stream ended with ${code} ${details}`);
    });
    while (this.responses.length <= this.#read) {
      await Promise.race([over, new Promise<void>((resolve) => (this.#wake = resolve))]);
    }
    over.catch(() => undefined);
    return this.responses[this.#read++]!;
  }

  cancel(): void {
    this.call.cancel();
  }

  /** Says that nothing more will be said. */
  finish(): void {
    this.call.end();
  }
}

export class SotwClientStream extends ClientStream<DiscoveryResponse> {
  #names: readonly string[] = [];

  send(init: SotwInit): void {
    this.call.write(create(DiscoveryRequestSchema, { typeUrl: SECRET_TYPE_URL, ...init }));
  }

  /** The first request of a well-behaved client. */
  subscribe(...names: string[]): void {
    this.#names = names;
    this.send({ node: NODE, resourceNames: names });
  }

  /** The first request of a client that has accepted a version of this name before. */
  comeBack(name: string, versionInfo: string): void {
    this.#names = [name];
    this.send({ node: NODE, resourceNames: [name], versionInfo });
  }

  ack({ nonce, versionInfo }: DiscoveryResponse, names = this.#names): void {
    this.#names = names;
    this.send({ responseNonce: nonce, versionInfo, resourceNames: [...names] });
  }

  nack({ nonce }: DiscoveryResponse, message = 'Failed to load certificate'): void {
    this.send({ responseNonce: nonce, resourceNames: [...this.#names], errorDetail: { code: 13, message } });
  }

  /** Reads the next response and acknowledges it. */
  async accept(): Promise<DiscoveryResponse> {
    const response = await this.next();
    this.ack(response);
    return response;
  }
}

export class DeltaClientStream extends ClientStream<DeltaDiscoveryResponse> {
  send(init: DeltaInit): void {
    this.call.write(create(DeltaDiscoveryRequestSchema, { typeUrl: SECRET_TYPE_URL, ...init }));
  }

  subscribe(...names: string[]): void {
    this.send({ node: NODE, resourceNamesSubscribe: names });
  }

  comeBack(name: string, version: string): void {
    this.send({ node: NODE, resourceNamesSubscribe: [name], initialResourceVersions: { [name]: version } });
  }

  ack({ nonce }: DeltaDiscoveryResponse): void {
    this.send({ responseNonce: nonce });
  }

  nack({ nonce }: DeltaDiscoveryResponse, message = 'Failed to load certificate'): void {
    this.send({ responseNonce: nonce, errorDetail: { code: 13, message } });
  }

  async accept(): Promise<DeltaDiscoveryResponse> {
    const response = await this.next();
    this.ack(response);
    return response;
  }
}

/** The secrets of a response of either variant. */
export function secretsOf({ resources }: DiscoveryResponse | DeltaDiscoveryResponse): readonly Secret[] {
  return resources.map((resource) => {
    const any = resource.$typeName === 'google.protobuf.Any' ? resource : resource.resource;
    return anyUnpack(any!, SecretSchema)!;
  });
}

/** The inline PEM of a secret: a chain, or anchors. */
export function pemOf({ type }: Secret): string {
  const source = type.case === 'tlsCertificate' ? type.value.certificateChain : anchorsOf(type);
  return Buffer.from((source?.specifier.value ?? '') as Uint8Array).toString();
}

/** The private key beside a chain. */
export function keyOf({ type }: Secret): string {
  const source = type.case === 'tlsCertificate' ? type.value.privateKey : undefined;
  return Buffer.from((source?.specifier.value ?? '') as Uint8Array).toString();
}

/** Those that a bundle is for, where it went out for the SPIFFE validator. */
export function trustedDomainsOf({ type }: Secret): readonly string[] {
  return domainsOf(type)?.map(({ name }) => name) ?? [];
}

function anchorsOf(type: MessageShape<typeof SecretSchema>['type']) {
  if (type.case !== 'validationContext') return undefined;
  return type.value.customValidatorConfig === undefined ? type.value.trustedCa : domainsOf(type)?.[0]?.trustBundle;
}

function domainsOf(type: MessageShape<typeof SecretSchema>['type']) {
  const config = type.case === 'validationContext' ? type.value.customValidatorConfig?.typedConfig : undefined;
  return config && anyUnpack(config, SPIFFECertValidatorConfigSchema)?.trustDomains;
}
