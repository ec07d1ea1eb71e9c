// Certificates as the doctor tells of them, and whether one leads to another.
import { X509Certificate } from 'node:crypto';
import { validityOf } from '../../../domain/x509/path/certificate.ts';
import { decodePemBlocks } from '../../../domain/x509/pem.ts';
import type { CertificateSummary } from './installation.ts';

/** Of one file; more is no chain and no list of roots. */
const MAX_CERTIFICATES = 64;

/** @returns those of a text that can be read; none when it is no PEM of certificates. */
export function certificatesIn(pem: string): readonly X509Certificate[] {
  const blocks = decodePemBlocks(pem, 'CERTIFICATE');
  if ('problem' in blocks) return [];
  return blocks.slice(0, MAX_CERTIFICATES).flatMap((der) => readCertificate(der));
}

function readCertificate(der: Uint8Array): readonly X509Certificate[] {
  try {
    const certificate = new X509Certificate(der);
    return validityOf(certificate) === undefined ? [] : [certificate];
  } catch {
    // Not a certificate: who asks misses it among the rest.
    return [];
  }
}

export function summaryOf(certificate: X509Certificate): CertificateSummary {
  const names = certificate.subjectAltName?.split(', ') ?? [];
  return {
    subject: subjectOf(certificate) ?? '(no subject)',
    sha256: certificate.fingerprint256,
    dnsNames: names.flatMap((name) => (name.startsWith('DNS:') ? [name.slice('DNS:'.length)] : [])),
    notBeforeMs: certificate.validFromDate.getTime(),
    notAfterMs: certificate.validToDate.getTime(),
    ca: certificate.ca,
  };
}

/** @param pem of any number of roots. @returns the SHA-256 of each. */
export function rootsIn(pem: string): readonly string[] {
  return certificatesIn(pem).map(({ fingerprint256 }) => fingerprint256);
}

/** @param chain leaf first. @returns why it does not lead to one of the anchors; nothing when it does. */
export function chainProblem(
  chain: readonly X509Certificate[],
  anchors: readonly X509Certificate[],
): string | undefined {
  for (const [index, certificate] of chain.entries()) {
    if (anchors.some((anchor) => anchor.fingerprint256 === certificate.fingerprint256 || signed(anchor, certificate)))
      return undefined;
    const above = chain[index + 1];
    if (above === undefined || !signed(above, certificate))
      return `${nameOf(certificate)} is signed by ${certificate.issuer.replaceAll('\n', ', ')}, which is no trust anchor of Capstan's`;
  }
  return 'it has no certificate';
}

function signed(signer: X509Certificate, certificate: X509Certificate): boolean {
  return certificate.checkIssued(signer) && certificate.verify(signer.publicKey);
}

function nameOf(certificate: X509Certificate): string {
  return subjectOf(certificate) ?? certificate.subjectAltName ?? 'its certificate';
}

/** Node has no subject at all where a certificate has an empty one. */
function subjectOf(certificate: X509Certificate): string | undefined {
  const subject = certificate.subject as string | undefined;
  return subject === undefined || subject === '' ? undefined : subject.replaceAll('\n', ', ');
}
