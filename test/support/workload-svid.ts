// Certificates for workloads as the authority hands them out, made without it.
import { SpiffeId } from '../../src/domain/identity/spiffe-id.ts';
import type { WorkloadSvid } from '../../src/authority/surface/surface.ts';
import { leafUnder, type LeafOptions } from '../adapters/grpc/leaves.ts';
import { good, type TestAuthority } from './certificates.ts';

/** A good one, two hours long, unless told otherwise. */
export async function workloadSvid(
  { intermediate }: TestAuthority,
  uri: string,
  options: LeafOptions = {},
): Promise<WorkloadSvid> {
  const leaf = await leafUnder(intermediate, { uris: [uri], ...options });
  return {
    identity: good<SpiffeId>(SpiffeId.parse(uri)),
    certificateChainPem: leaf.chainPem,
    privateKeyPem: leaf.keyPem,
    issuerName: 'default',
    trustAnchor: 'aa'.repeat(32),
    serial: leaf.serial,
    notBeforeMs: leaf.notBeforeMs,
    notAfterMs: leaf.notAfterMs,
  };
}
