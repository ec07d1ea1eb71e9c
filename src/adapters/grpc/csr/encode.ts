// An issued chain in the one shape that every mesh client reads: leaf, each intermediate as an
// element of its own (ztunnel reads one certificate per element), all anchors as one last element
// (both clients take the last element, whole, as what to trust).
import { create, toBinary } from '@bufbuild/protobuf';
import type { IssuedChain } from '../../../authority/surface/surface.ts';
import { IstioCertificateResponseSchema } from '../../../gen/istio/v1/auth/certificate_service_pb.js';

interface EncodedAbove {
  readonly bundlePem: string;
  readonly bytes: Uint8Array;
}

/** What stands above the leaf is the same in every answer of an issuer; gone with the issuer itself. */
const above = new WeakMap<IssuedChain['intermediatePems'], EncodedAbove>();

/**
 * @returns an encoded IstioCertificateResponse. Two encoded messages, one behind the other, are one message whose repeated
 *   fields are joined (Protocol Buffers, Encoding, "Last One Wins"), so only the leaf is encoded anew.
 */
export function encodeChain(chain: IssuedChain): Uint8Array {
  return Buffer.concat([encode([chain.leafPem]), encodedAbove(chain)]);
}

function encodedAbove({ intermediatePems, bundlePem }: IssuedChain): Uint8Array {
  const known = above.get(intermediatePems);
  if (known?.bundlePem === bundlePem) return known.bytes;
  const bytes = encode([...intermediatePems, bundlePem]);
  above.set(intermediatePems, { bundlePem, bytes });
  return bytes;
}

function encode(certChain: string[]): Uint8Array {
  return toBinary(IstioCertificateResponseSchema, create(IstioCertificateResponseSchema, { certChain }));
}
