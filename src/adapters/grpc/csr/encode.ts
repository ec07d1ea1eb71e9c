// An issued chain in the one shape that every mesh client reads: leaf, each intermediate as an
// element of its own (ztunnel reads one certificate per element), all anchors as one last element
// (both clients take the last element, whole, as what to trust).
import { create, type MessageShape } from '@bufbuild/protobuf';
import type { IssuedChain } from '../../../authority/surface/surface.ts';
import { IstioCertificateResponseSchema } from '../../../gen/istio/v1/auth/certificate_service_pb.js';

export function encodeChain(chain: IssuedChain): MessageShape<typeof IstioCertificateResponseSchema> {
  return create(IstioCertificateResponseSchema, {
    certChain: [chain.leafPem, ...chain.intermediatePems, chain.bundlePem],
  });
}
