// Replies as bytes. A push to thousands of streams differs in the nonce alone, and protobuf messages
// written one after the other are their merge: so each secret is encoded once, as a response that
// holds nothing else, and every reply is that and a short head.
// What waits in the queue of a stream that does not read is a copy all the same: grpc-js copies every message behind its length
// (server-interceptors.js, serializeMessage), whatever a serializer returns.
import { create, toBinary } from '@bufbuild/protobuf';
import { anyPack, type Any } from '@bufbuild/protobuf/wkt';
import { SecretSchema } from '../../../gen/envoy/extensions/transport_sockets/tls/v3/secret_pb.js';
import {
  DeltaDiscoveryResponseSchema,
  DiscoveryResponseSchema,
} from '../../../gen/envoy/service/discovery/v3/discovery_pb.js';
import { secretMessage } from './secret-message.ts';
import type { SecretContent } from './secret-content.ts';
import { SECRET_TYPE_URL, type NamedSecret, type Reply } from './session/session.ts';

/** @returns a DiscoveryResponse. */
export function encodeSotwReply({ nonce, version, secrets }: Reply): Uint8Array {
  const head = create(DiscoveryResponseSchema, { versionInfo: version, typeUrl: SECRET_TYPE_URL, nonce });
  return Buffer.concat([toBinary(DiscoveryResponseSchema, head), ...secrets.map(sotwResource)]);
}

/** @returns a DeltaDiscoveryResponse. */
export function encodeDeltaReply({ nonce, version, secrets, absent }: Reply): Uint8Array {
  const head = create(DeltaDiscoveryResponseSchema, {
    systemVersionInfo: version,
    typeUrl: SECRET_TYPE_URL,
    nonce,
    removedResources: [...absent],
  });
  return Buffer.concat([toBinary(DeltaDiscoveryResponseSchema, head), ...secrets.map(deltaResource)]);
}

type Encoded = Map<string, Uint8Array>;

/** Kept as long as the content is in force; names per content are the caller's few. */
const sotwResources = new WeakMap<SecretContent, Encoded>();
const deltaResources = new WeakMap<SecretContent, Encoded>();

function sotwResource({ name, content }: NamedSecret): Uint8Array {
  return cached(sotwResources, content, name, () =>
    toBinary(DiscoveryResponseSchema, create(DiscoveryResponseSchema, { resources: [secretAny(name, content)] })),
  );
}

function deltaResource({ name, content }: NamedSecret): Uint8Array {
  return cached(deltaResources, content, name, () => {
    const resource = { name, version: content.version, resource: secretAny(name, content) };
    return toBinary(DeltaDiscoveryResponseSchema, create(DeltaDiscoveryResponseSchema, { resources: [resource] }));
  });
}

function secretAny(name: string, content: SecretContent): Any {
  return anyPack(SecretSchema, secretMessage(name, content));
}

function cached(
  cache: WeakMap<SecretContent, Encoded>,
  content: SecretContent,
  name: string,
  encode: () => Uint8Array,
): Uint8Array {
  const encoded = cache.get(content) ?? new Map<string, Uint8Array>();
  cache.set(content, encoded);
  const bytes = encoded.get(name) ?? encode();
  encoded.set(name, bytes);
  return bytes;
}
