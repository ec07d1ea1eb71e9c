// An SDS server that says exactly what a test tells it to, on a Unix socket. It is how we learn what
// Envoy does with answers that Capstan would never give; it shares nothing with the product but the
// generated messages.
import { EventEmitter, once } from 'node:events';
import * as grpc from '@grpc/grpc-js';
import { create } from '@bufbuild/protobuf';
import { anyPack, type Any } from '@bufbuild/protobuf/wkt';
import { SecretSchema } from '../../../../src/gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js';
import {
  type DeltaDiscoveryRequest,
  type DeltaDiscoveryResponse,
  DeltaDiscoveryResponseSchema,
  type DiscoveryRequest,
  type DiscoveryResponse,
  DiscoveryResponseSchema,
} from '../../../../src/gen/envoy/service/discovery/v3/discovery_pb.js';
import type { TestLeaf } from '../../support/pki.ts';
import { METHODS, SECRET_TYPE_URL } from './sds-wire.ts';

export interface SotwStream {
  readonly kind: 'sotw';
  /** Names of the first request; Envoy opens one stream per secret. */
  readonly names: readonly string[];
  readonly requests: DiscoveryRequest[];
  /** Sends one response with a fresh nonce; resolves with Envoy's ACK or NACK of it. */
  readonly send: (version: string, resources: readonly Any[]) => Promise<DiscoveryRequest>;
}

export interface DeltaStream {
  readonly kind: 'delta';
  readonly names: readonly string[];
  readonly requests: DeltaDiscoveryRequest[];
  readonly send: (
    version: string,
    secrets: readonly NamedSecret[],
    removed?: readonly string[],
  ) => Promise<DeltaDiscoveryRequest>;
}

export interface NamedSecret {
  readonly name: string;
  readonly secret: Any;
}

export class ScriptedSds implements AsyncDisposable {
  /** In the order in which they were opened; closed ones stay. */
  readonly streams: (SotwStream | DeltaStream)[] = [];
  readonly #server = new grpc.Server();
  readonly #arrivals = new EventEmitter();

  static async listen(socketPath: string): Promise<ScriptedSds> {
    const sds = new ScriptedSds();
    sds.#server.addService(METHODS, {
      streamSecrets: (call: Bidi<DiscoveryRequest, DiscoveryResponse>) => sds.#sotw(call),
      deltaSecrets: (call: Bidi<DeltaDiscoveryRequest, DeltaDiscoveryResponse>) => sds.#delta(call),
    });
    await new Promise<void>((resolve, reject) => {
      sds.#server.bindAsync(`unix:${socketPath}`, grpc.ServerCredentials.createInsecure(), (error) =>
        error === null ? resolve() : reject(error),
      );
    });
    return sds;
  }

  /** The first open stream whose first request names this secret. */
  async stream(name: string, { signal }: { readonly signal: AbortSignal }): Promise<SotwStream | DeltaStream> {
    for (;;) {
      const found = this.streams.find(({ names }) => names.includes(name));
      if (found !== undefined) return found;
      await once(this.#arrivals, 'stream', { signal });
    }
  }

  #sotw(call: Bidi<DiscoveryRequest, DiscoveryResponse>): void {
    const requests: DiscoveryRequest[] = [];
    call.on('data', (request: DiscoveryRequest) => {
      requests.push(request);
      if (requests.length > 1) return;
      this.#opened({
        kind: 'sotw',
        names: request.resourceNames,
        requests,
        send: async (versionInfo, resources) => {
          const nonce = `n${requests.length}-${versionInfo}`;
          const response = { versionInfo, nonce, typeUrl: SECRET_TYPE_URL, resources: [...resources] };
          call.write(create(DiscoveryResponseSchema, response));
          return answered(call, requests, nonce);
        },
      });
    });
    endQuietly(call);
  }

  #delta(call: Bidi<DeltaDiscoveryRequest, DeltaDiscoveryResponse>): void {
    const requests: DeltaDiscoveryRequest[] = [];
    call.on('data', (request: DeltaDiscoveryRequest) => {
      requests.push(request);
      if (requests.length > 1) return;
      this.#opened({
        kind: 'delta',
        names: request.resourceNamesSubscribe,
        requests,
        send: async (version, secrets, removedResources = []) => {
          const nonce = `n${requests.length}-${version}`;
          const resources = secrets.map(({ name, secret }) => ({ name, version, resource: secret }));
          const response = { nonce, typeUrl: SECRET_TYPE_URL, resources, removedResources: [...removedResources] };
          call.write(create(DeltaDiscoveryResponseSchema, response));
          return answered(call, requests, nonce);
        },
      });
    });
    endQuietly(call);
  }

  #opened(stream: SotwStream | DeltaStream): void {
    this.streams.push(stream);
    this.#arrivals.emit('stream');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#server.forceShutdown();
  }
}

/** A certificate with its key under `name`; either part can be garbage. */
export function certificateSecret(name: string, leaf: Pick<TestLeaf, 'chainPem' | 'keyPem'>): Any {
  const value = { certificateChain: inline(leaf.chainPem), privateKey: inline(leaf.keyPem) };
  return anyPack(SecretSchema, create(SecretSchema, { name, type: { case: 'tlsCertificate', value } }));
}

/** Trust anchors under `name`. */
export function bundleSecret(name: string, anchorsPem: string): Any {
  const value = { trustedCa: inline(anchorsPem) };
  return anyPack(SecretSchema, create(SecretSchema, { name, type: { case: 'validationContext', value } }));
}

function inline(text: string): { specifier: { case: 'inlineBytes'; value: Uint8Array } } {
  return { specifier: { case: 'inlineBytes', value: new TextEncoder().encode(text) } };
}

type Bidi<Request, Response> = grpc.ServerDuplexStream<Request, Response>;

async function answered<Request extends { responseNonce: string }>(
  call: Bidi<Request, never>,
  requests: readonly Request[],
  nonce: string,
): Promise<Request> {
  const signal = AbortSignal.timeout(30_000);
  for (;;) {
    const answer = requests.find(({ responseNonce }) => responseNonce === nonce);
    if (answer !== undefined) return answer;
    await once(call, 'data', { signal });
  }
}

function endQuietly(call: grpc.ServerDuplexStream<unknown, unknown>): void {
  call.on('end', () => call.end());
  call.on('error', () => undefined); // the client went away, which is a client's right
}
