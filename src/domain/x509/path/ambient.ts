// What ztunnel refuses beyond the other peers of a mesh. It takes every certificate of the last element for a trust anchor
// (src/tls/certificate.rs of istio/ztunnel), so several are no trouble; but it verifies with rustls-webpki, whose releases read
// less than Go, OpenSSL and BoringSSL do: of name constraints no directory names, and URIs not in all releases; of critical
// extensions none on policies. An anchor that it cannot read it leaves out with one warning in its log, and with it every
// certificate below.
import type { PathCertificate } from './certificate.ts';
import { sayings, type PathProblem } from './path-problem.ts';

/** Those that every release of rustls-webpki reads (src/cert.rs, `remember_cert_extension`). */
const READ: ReadonlySet<string> = new Set([
  '2.5.29.15', // key usage
  '2.5.29.17', // subject alternative name
  '2.5.29.19', // basic constraints
  '2.5.29.30', // name constraints
  '2.5.29.31', // CRL distribution points
  '2.5.29.37', // extended key usage
]);

/** @returns what is wrong for ztunnel with certificates of CAs: anchors, and what stands below them. */
export function ambientProblems(certificates: readonly PathCertificate[]): readonly PathProblem[] {
  return certificates.flatMap((certificate) =>
    [
      ...constrained(certificate).flatMap((says) => sayings('name-constraints', says)),
      ...unread(certificate).flatMap((says) => sayings('extensions', says)),
    ].map((saying) => ({ certificate, ...saying })),
  );
}

/** Every certificate has a subject, and every leaf of a mesh a URI: such constraints bind all of them. */
function constrained({ extensions: { nameConstraints } }: PathCertificate): readonly string[] {
  const bases = [...(nameConstraints?.permitted ?? []), ...(nameConstraints?.excluded ?? [])];
  return [
    ...(bases.some(({ kind }) => kind === 'directory')
      ? ['has name constraints on directory names, for which ztunnel refuses every certificate below it']
      : []),
    ...(bases.some(({ kind }) => kind === 'uri')
      ? [
          'has name constraints on URIs, for which ztunnels with rustls-webpki 0.103.12 and later releases of 0.103 refuse every SPIFFE ID below it',
        ]
      : []),
  ];
}

function unread({ extensions: { critical } }: PathCertificate): readonly string[] {
  return critical
    .filter((type) => !READ.has(type))
    .map((type) => `has a critical extension that ztunnel does not know (${type})`);
}
