// A request for a certificate whose key is proven: by the CSR's own signature, or because we made it.
import { verify, type KeyObject } from 'node:crypto';
import { AuthorityError } from '../errors.ts';
import { parseCsr, type ParsedCsr } from './csr.ts';
import { decodePem } from './pem.ts';
import { readPublicKey, type SubjectPublicKey } from './public-key.ts';
import type { SignatureRow } from './signature-algorithm.ts';

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
    const csr = parseCsr(bytes);
    const publicKey = readPublicKey(csr.spki);
    verifySignature(csr, publicKey);
    return new CertificateRequest(publicKey, csr.uris);
  }
}

function verifySignature(csr: ParsedCsr, { key, family }: SubjectPublicKey): void {
  const { algorithm } = csr;
  if (algorithm === undefined) throw new AuthorityError('CAP-C05', { detail: 'use SHA-256, SHA-384 or SHA-512' });
  if (algorithm.keyKind !== (family === 'rsa' ? 'rsa' : 'ec')) {
    throw new AuthorityError('CAP-C04', { detail: 'the signature algorithm does not fit the key' });
  }
  if (!verifies(algorithm, csr, key)) throw new AuthorityError('CAP-C04');
}

/** Whatever OpenSSL has to complain of in caller-chosen bytes, the answer is no. */
function verifies({ hash }: SignatureRow, { info, signature }: ParsedCsr, key: KeyObject): boolean {
  try {
    return verify(hash, info, key, signature);
  } catch {
    return false;
  }
}
