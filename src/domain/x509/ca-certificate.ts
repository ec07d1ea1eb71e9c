// A CA certificate as read from a file: trust anchors and intermediates.
import { KEY_CERT_SIGN } from './path/extensions.ts';
import { readPathCertificate, type PathCertificate } from './path/certificate.ts';

export type CaCertificate = PathCertificate;

/** @returns the certificate, or why it cannot serve as one of a CA. */
export function readCaCertificate(der: Uint8Array): CaCertificate | { readonly problem: string } {
  const certificate = readPathCertificate(der);
  if ('problem' in certificate) return certificate;
  const why = notOfCa(certificate);
  return why === undefined ? certificate : { problem: `certificate ${certificate.subject} ${why}` };
}

/** CA:TRUE, and keyCertSign where there is a key usage (RFC 5280 sections 4.2.1.3 and 4.2.1.9). */
function notOfCa({ version, extensions, x509 }: PathCertificate): string | undefined {
  const { basicConstraints, keyUsage } = extensions;
  if (version < 3)
    return `is of X.509 version ${version}, which cannot say that it is one of a CA: have it issued as version 3`;
  if (basicConstraints?.ca !== true) return 'is not a CA certificate';
  const maySign = keyUsage === undefined || (keyUsage & KEY_CERT_SIGN) !== 0;
  if (!maySign) return 'is not a CA certificate: its key usage leaves out signing certificates';
  // Peers build on OpenSSL or BoringSSL, which take a CA with any extension that they cannot read for none at all.
  return x509.ca ? undefined : 'has an extension that OpenSSL cannot read: peers take it for no CA';
}
