// What is read of a discovery request, cut out of it before it is decoded. Envoy's first request is tens of kilobytes of
// extension lists, and a hostile one can be hundreds of thousands of empty messages: to skip them takes a tenth of the time.
import { BinaryReader, BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { NodeSchema } from '../../../gen/envoy/config/core/v3/base_pb.js';
import {
  DeltaDiscoveryRequestSchema,
  DiscoveryRequestSchema,
} from '../../../gen/envoy/service/discovery/v3/discovery_pb.js';
import { StatusSchema } from '../../../gen/google/rpc/status_pb.js';
import { AuthorityError } from '../../../domain/errors.ts';

/**
 * The largest discovery request. A first request of Envoy 1.36 has 48,898 bytes and one of 1.40 has 61,182, nearly all of
 * them the list of its extensions; what Istio adds in metadata is some kilobytes.
 */
export const MAX_MESSAGE_BYTES = 256 * 1024;

/** Field numbers of a message that are kept: whole, or so much of the one message in them. */
type Kept = ReadonlyMap<number, Kept | 'whole'>;

const { field: node } = NodeSchema;
const { field: status } = StatusSchema;
const { field: sotw } = DiscoveryRequestSchema;
const { field: delta } = DeltaDiscoveryRequestSchema;
const KEPT_OF_NODE = whole(node.id, node.metadata);
const KEPT_OF_STATUS = whole(status.message);

const KEPT_OF_SOTW: Kept = new Map([
  ...whole(sotw.versionInfo, sotw.resourceNames, sotw.typeUrl, sotw.responseNonce),
  [sotw.node.number, KEPT_OF_NODE],
  [sotw.errorDetail.number, KEPT_OF_STATUS],
]);
const KEPT_OF_DELTA: Kept = new Map([
  ...whole(delta.typeUrl, delta.resourceNamesSubscribe, delta.resourceNamesUnsubscribe),
  ...whole(delta.initialResourceVersions, delta.responseNonce),
  [delta.node.number, KEPT_OF_NODE],
  [delta.errorDetail.number, KEPT_OF_STATUS],
]);

/** @throws AuthorityError CAP-M02 above `MAX_MESSAGE_BYTES`, CAP-M03 when the bytes are no message. */
export function trimSotwRequest(bytes: Uint8Array): Uint8Array {
  return trimRequest(bytes, KEPT_OF_SOTW);
}

/** @throws AuthorityError CAP-M02 above `MAX_MESSAGE_BYTES`, CAP-M03 when the bytes are no message. */
export function trimDeltaRequest(bytes: Uint8Array): Uint8Array {
  return trimRequest(bytes, KEPT_OF_DELTA);
}

function whole(...fields: readonly { readonly number: number }[]): Map<number, Kept | 'whole'> {
  return new Map(fields.map(({ number }) => [number, 'whole']));
}

function trimRequest(bytes: Uint8Array, kept: Kept): Uint8Array {
  if (bytes.length > MAX_MESSAGE_BYTES) {
    throw new AuthorityError('CAP-M02', { detail: `it has ${bytes.length} bytes, allowed are ${MAX_MESSAGE_BYTES}` });
  }
  try {
    return trimmed(bytes, kept);
  } catch (cause) {
    if (cause instanceof AuthorityError) throw cause;
    throw new AuthorityError('CAP-M03', { detail: 'it is not a protobuf message', cause });
  }
}

/** Copies runs of kept fields, so that many small ones take no longer than one. */
function trimmed(bytes: Uint8Array, kept: Kept): Uint8Array {
  const reader = new BinaryReader(bytes);
  const parts: Uint8Array[] = [];
  const seen = new Set<number>();
  let from = 0;
  while (reader.pos < reader.len) {
    const at = reader.pos;
    const [number, type] = reader.tag();
    const inner = kept.get(number);
    const content = reader.skip(type, number);
    if (inner === 'whole') continue;
    if (from < at) parts.push(bytes.subarray(from, at));
    from = reader.pos;
    if (inner === undefined || type !== WireType.LengthDelimited) continue;
    // Legal to split, and nobody does; thousands of them would each take their time.
    if (seen.has(number)) throw new AuthorityError('CAP-M03', { detail: `field ${number} is there twice` });
    seen.add(number);
    const { pos, len } = contentOf(content);
    const cut = trimmed(content.subarray(pos, len), inner);
    parts.push(new BinaryWriter().tag(number, type).bytes(cut).finish());
  }
  if (parts.length === 0) return bytes;
  return Buffer.concat([...parts, bytes.subarray(from)]);
}

/** Where the content of a length-delimited field begins, behind its length. */
function contentOf(field: Uint8Array): BinaryReader {
  const reader = new BinaryReader(field);
  reader.uint32();
  return reader;
}
