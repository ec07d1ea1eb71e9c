// What works in a path and should not be: said, never refused.
import { hasEmptySubject, type PathCertificate } from './certificate.ts';
import { CRL_SIGN } from './extensions.ts';
import { sayingIf, type Path, type PathProblem } from './path-problem.ts';

export function weaknessesOf(path: Path): readonly PathProblem[] {
  const anchor = path.at(-1) ?? path[0];
  const { signature, signatureStrength } = anchor.algorithms;
  const cas = path.filter((link) => link.extensions.basicConstraints?.ca === true);
  return [
    ...cas.filter(hasEmptySubject).map((certificate) => ({
      certificate,
      rule: 'name' as const,
      says: 'is one of a CA, which must have a name (RFC 5280 section 4.1.2.6)',
    })),
    ...cas.slice(0, 1).flatMap((issuing) => (issuing === anchor ? [] : issuingWeaknesses(issuing))),
    ...(signatureStrength === 'good'
      ? []
      : [
          {
            certificate: anchor,
            rule: 'signature' as const,
            says: `is a trust anchor that is signed with ${signature}`,
          },
        ]),
  ];
}

/** Of the CA right above the leaves. Authorities that mind neither are many: cert-manager's set no path length. */
function issuingWeaknesses(certificate: PathCertificate): readonly PathProblem[] {
  const { basicConstraints, keyUsage } = certificate.extensions;
  return [
    ...sayingIf(
      basicConstraints?.pathLength === Infinity,
      'path-length',
      'sets no path length: whoever has its key can make CAs below it',
    ),
    ...sayingIf(
      keyUsage !== undefined && (keyUsage & CRL_SIGN) === 0,
      'key-usage',
      'may not sign revocation lists (key usage without cRLSign)',
    ),
  ].map((saying) => ({ certificate, ...saying }));
}
