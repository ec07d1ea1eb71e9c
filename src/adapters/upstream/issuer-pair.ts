// What every place that keeps the pairs of an issuer makes of a chain, and of a judgement on one.
import { createHash } from 'node:crypto';
import { AuthorityError } from '../../domain/errors.ts';
import { pathCertificatesOf } from '../../domain/x509/path/certificate.ts';
import type { IssuerPair } from '../../ports/issuing/issuer-generations.ts';

/** @returns nothing where there is no certificate. */
export function pairOf(chainPem: string | undefined): IssuerPair | undefined {
  const [own] = chainPem === undefined ? [] : pathCertificatesOf(chainPem);
  if (own === undefined || chainPem === undefined) return undefined;
  const { sha256, spki, subject, notBeforeMs, notAfterMs } = own;
  return { id: sha256.slice(0, 16), keyId: keyIdOf(spki), subject, notBeforeMs, notAfterMs, chainPem };
}

/** @param spki DER SubjectPublicKeyInfo. @returns hex SHA-256. */
export function keyIdOf(spki: Uint8Array): string {
  return createHash('sha256').update(spki).digest('hex');
}

/** What the CA sent is at fault, and no file of an operator's. @throws AuthorityError CAP-S16 for what CAP-X03 says. */
export async function taking<T>(judgement: Promise<T>): Promise<T> {
  return judgement.catch((error: unknown) => {
    if (error instanceof AuthorityError && error.reason === 'CAP-X03') throw notTaken(error.detail ?? error.message);
    throw error;
  });
}

export function notTaken(detail: string): AuthorityError {
  return new AuthorityError('CAP-S16', { detail });
}
