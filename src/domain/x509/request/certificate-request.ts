// A request for a certificate whose key is proven: by the CSR's own signature, or because we made it.
import { AuthorityError } from '../../errors.ts';
import { parseCsr, type ParsedCsr } from './csr.ts';
import { decodePem } from '../pem.ts';
import { KEY_TABLE } from '../key-types.ts';
import { readPublicKey, signedBy, type SubjectPublicKey } from '../public-key.ts';

/** Longest CSR in characters; RSA 4096 with a 2,048-byte SPIFFE ID needs a third of it. */
export const MAX_CSR_LENGTH = 16_384;

export class CertificateRequest {
  readonly publicKey: SubjectPublicKey;
  /** URIs that the CSR asks for, as they stand; may be none. */
  readonly uris: readonly string[];

  private constructor(publicKey: SubjectPublicKey, uris: readonly string[]) {
    this.publicKey = publicKey;
    this.uris = uris;
  }

  /**
   * Parses a PEM CSR and verifies that its sender holds the key (RFC 2986 section 4.2).
   * @throws AuthorityError `malformed_csr`, `key_unacceptable` or `csr_signature_invalid`.
   */
  static fromPem(pem: string): CertificateRequest {
    if (pem.length > MAX_CSR_LENGTH) {
      throw new AuthorityError('CAP-C01', { detail: `csr is longer than ${MAX_CSR_LENGTH} characters` });
    }
    const bytes = decodePem(pem, 'CERTIFICATE REQUEST');
    if ('problem' in bytes) throw new AuthorityError('CAP-C01', { detail: `csr ${bytes.problem}` });
    return CertificateRequest.fromDer(bytes);
  }

  /** As `fromPem`, of DER. */
  static fromDer(bytes: Uint8Array): CertificateRequest {
    if (bytes.length > MAX_CSR_LENGTH) {
      throw new AuthorityError('CAP-C02', { detail: `csr is longer than ${MAX_CSR_LENGTH} bytes` });
    }
    const csr = parseCsr(bytes);
    const publicKey = readPublicKey(csr.spki);
    verifySignature(csr, publicKey);
    return new CertificateRequest(publicKey, csr.uris);
  }
}

function verifySignature({ algorithm, info, signature }: ParsedCsr, publicKey: SubjectPublicKey): void {
  if (algorithm === undefined) throw new AuthorityError('CAP-C05', { detail: 'use SHA-256, SHA-384 or SHA-512' });
  if (algorithm.keyKind !== KEY_TABLE[publicKey.family].kind) {
    throw new AuthorityError('CAP-C04', { detail: 'the signature algorithm does not fit the key' });
  }
  if (!signedBy(publicKey, algorithm.hash, info, signature)) throw new AuthorityError('CAP-C04');
}
