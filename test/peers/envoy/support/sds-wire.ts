// SDS as gRPC sees it, for the test's own server and clients: method paths and message codecs.
import { fromBinary, type Message, toBinary } from '@bufbuild/protobuf';
import type { GenMessage } from '@bufbuild/protobuf/codegenv2';
import type { MethodDefinition } from '@grpc/grpc-js';
import {
  DeltaDiscoveryRequestSchema,
  DeltaDiscoveryResponseSchema,
  DiscoveryRequestSchema,
  DiscoveryResponseSchema,
} from '../../../../src/gen/envoy/service/discovery/v3/discovery_pb.js';

export const SECRET_TYPE_URL = 'type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret';

export const METHODS = {
  streamSecrets: method('StreamSecrets', DiscoveryRequestSchema, DiscoveryResponseSchema),
  deltaSecrets: method('DeltaSecrets', DeltaDiscoveryRequestSchema, DeltaDiscoveryResponseSchema),
};

function method<Request extends Message, Response extends Message>(
  name: string,
  request: GenMessage<Request>,
  response: GenMessage<Response>,
): MethodDefinition<Request, Response> {
  return {
    path: `/envoy.service.secret.v3.SecretDiscoveryService/${name}`,
    requestStream: true,
    responseStream: true,
    requestSerialize: (message) => Buffer.from(toBinary(request, message)),
    requestDeserialize: (bytes) => fromBinary(request, bytes),
    responseSerialize: (message) => Buffer.from(toBinary(response, message)),
    responseDeserialize: (bytes) => fromBinary(response, bytes),
  };
}
