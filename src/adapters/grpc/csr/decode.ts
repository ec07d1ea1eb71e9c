// A CSR request from protobuf to a domain value. What is checked here is shape only: field
// types and sizes. The CSR itself is read further in.
import type { JsonObject } from '@bufbuild/protobuf';
import { AuthorityError } from '../../../domain/errors.ts';
import type { CsrRequest } from '../../../authority/surface/surface.ts';
import { IstioCertificateRequestSchema } from '../../../gen/istio/v1/auth/certificate_service_pb.js';
import { decodeMessage } from '../service-definition.ts';

/** A CSR and a few metadata strings; the server behind the listener accepts more, for SDS. */
export const MAX_CSR_REQUEST_BYTES = 64 * 1024;
/** Four times a PEM CSR with an RSA 4096 key and a SPIFFE ID of greatest length. */
export const MAX_CSR_CHARACTERS = 16 * 1024;

/** @throws AuthorityError CAP-M01 or CAP-M02 naming the field. */
export function decodeCsrRequest(bytes: Uint8Array): CsrRequest {
  demandSize('the request', bytes.length, MAX_CSR_REQUEST_BYTES);
  const { csr, validityDuration, metadata } = decodeMessage(IstioCertificateRequestSchema, bytes, 'CAP-M01');
  demandSize('csr', csr.length, MAX_CSR_CHARACTERS);
  // No signer is chosen by it yet; one that is not a string is refused all the same.
  optionalString(metadata, 'CertSigner');
  const impersonatedIdentity = optionalString(metadata, 'ImpersonatedIdentity');
  return {
    csrPem: csr,
    validitySeconds: validityDuration,
    ...(impersonatedIdentity !== undefined && { impersonatedIdentity }),
  };
}

function demandSize(field: string, found: number, allowed: number): void {
  if (found > allowed) {
    throw new AuthorityError('CAP-M02', { detail: `${field} is ${found} bytes long, allowed are ${allowed}` });
  }
}

/** Own properties only: the key `__proto__` is as good as any other in a Struct. A value of no kind is none of ours. */
function optionalString(metadata: JsonObject | undefined, key: string): string | undefined {
  if (metadata === undefined || !Object.hasOwn(metadata, key)) return undefined;
  const value = metadata[key];
  if (typeof value === 'string') return value;
  throw new AuthorityError('CAP-M01', { detail: `metadata.${key} is not a string` });
}
