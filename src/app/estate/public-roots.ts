// The roots of the public web: to trust them is nothing that the finder of rogue CAs reports.
import { hash } from 'node:crypto';
import { getCACertificates } from 'node:tls';
import { decodePem } from '../../domain/x509/pem.ts';

/** @returns SHA-256, lower-case hex, of those of Mozilla's program, as Node was built with them. */
export function publicRoots(): ReadonlySet<string> {
  const ders = getCACertificates('bundled').map((pem) => decodePem(pem, 'CERTIFICATE'));
  return new Set(ders.flatMap((der) => ('problem' in der ? [] : [hash('sha256', der, 'hex')])));
}
