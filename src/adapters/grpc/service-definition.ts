// Generated service descriptors as grpc-js knows services. Requests arrive at handlers as the raw
// bytes of the message: grpc-js answers INTERNAL when its deserialiser throws, and INTERNAL is
// retried five times by every mesh client, so a request that does not decode must be refused by us.
import { fromBinary, toBinary, type DescMessage, type DescMethod, type MessageShape } from '@bufbuild/protobuf';
import type { GenService, GenServiceMethods } from '@bufbuild/protobuf/codegenv2';
import type { handleBidiStreamingCall, handleUnaryCall, MethodDefinition, ServiceDefinition } from '@grpc/grpc-js';
import { AuthorityError } from '../../domain/errors.ts';
import type { Reason } from '../../domain/reasons.ts';

/** What a handler may answer: a message, or one that is encoded already and goes to many. */
export type Answer<O extends DescMessage> = MessageShape<O> | Uint8Array;

type Handler<M> = M extends { methodKind: 'unary'; output: infer O extends DescMessage }
  ? handleUnaryCall<Uint8Array, Answer<O>>
  : M extends { methodKind: 'bidi_streaming'; output: infer O extends DescMessage }
    ? handleBidiStreamingCall<Uint8Array, Answer<O>>
    : never;

/** One handler per method of a service; requests are raw bytes, see `decodeMessage`. */
export type Handlers<S> =
  S extends GenService<infer Methods extends GenServiceMethods>
    ? { readonly [Name in keyof Methods]: Handler<Methods[Name]> }
    : never;

/** A service whose handlers were checked against its descriptor; pass both to `server.addService`. */
export function serviceDefinition(service: { readonly methods: readonly DescMethod[] }): ServiceDefinition {
  return Object.fromEntries(service.methods.map((method) => [method.localName, methodDefinition(method)]));
}

/**
 * Reads one message.
 * @throws AuthorityError `reason` (CAP-M01 or CAP-M03) when the bytes are not that message.
 */
export function decodeMessage<I extends DescMessage>(schema: I, bytes: Uint8Array, reason: Reason): MessageShape<I> {
  try {
    return fromBinary(schema, bytes);
  } catch (cause) {
    throw new AuthorityError(reason, { detail: `it is not a ${schema.typeName} message`, cause });
  }
}

/** The client half of a definition is complete too, so that a client can be made from it. */
function methodDefinition({ parent, name, methodKind, input, output }: DescMethod): MethodDefinition<unknown, unknown> {
  return {
    path: `/${parent.typeName}/${name}`,
    requestStream: methodKind === 'client_streaming' || methodKind === 'bidi_streaming',
    responseStream: methodKind === 'server_streaming' || methodKind === 'bidi_streaming',
    requestSerialize: (message) => encode(input, message),
    requestDeserialize: (bytes) => bytes,
    responseSerialize: (message) => encode(output, message),
    responseDeserialize: (bytes) => fromBinary(output, bytes),
  };
}

/** grpc-js wants a Buffer; this one shares the bytes. */
function encode(schema: DescMessage, message: unknown): Buffer {
  const bytes = message instanceof Uint8Array ? message : toBinary(schema, message as MessageShape<DescMessage>);
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
