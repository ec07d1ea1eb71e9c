// Whether one path holds, from what is to be issued up to the trust anchor (RFC 5280 section 6.1, and what the
// verifiers of a mesh ask beyond it). Pure: names, purposes and the moment are given. The anchor is judged as
// OpenSSL, BoringSSL and Go judge it: by everything but its own signature.
import { KEY_CERT_SIGN } from './extensions.ts';
import { isSelfIssued, sameBytes, type PathCertificate } from './certificate.ts';
import { withoutPolicy } from './explicit-policy.ts';
import { nameOutOfBounds, unprocessed } from './name-constraints.ts';
import type { NamedCertificate } from './certified-names.ts';
import { sayingIf, sayings, type Path, type PathProblem, type Saying } from './path-problem.ts';
import { unreadable } from './unreadable.ts';

/** What stands below a path. */
export interface Purpose {
  readonly named: NamedCertificate;
  readonly uses: readonly ('serverAuth' | 'clientAuth')[];
  /** CAs between the path and the certificate that is named; none for a leaf. */
  readonly casBelow?: number;
  /** Policies of the leaf; absent when what is judged is a CA. */
  readonly policies?: readonly string[];
}

const USES = {
  serverAuth: { oid: '1.3.6.1.5.5.7.3.1', words: 'TLS servers' },
  clientAuth: { oid: '1.3.6.1.5.5.7.3.2', words: 'TLS clients' },
} as const;

/**
 * BoringSSL looks for each issuer among the anchors first, by name and key identifier, and tries no second one: where a certificate
 * does not tell its issuer from an anchor of the same name, Envoy may take the wrong one. So it is for every step, not the last alone.
 */
export function namesakeProblems(path: Path, anchors: readonly PathCertificate[]): readonly PathProblem[] {
  return path.slice(0, -1).flatMap((certificate, at) => {
    const signer = path[at + 1] ?? certificate;
    const keyId = certificate.extensions.authorityKeyId?.keyId;
    const confusing = anchors.find(({ subjectDer, spki, extensions: { subjectKeyId } }) => {
      if (!sameBytes(subjectDer, signer.subjectDer) || sameBytes(spki, signer.spki)) return false;
      return keyId === undefined || subjectKeyId === undefined || sameBytes(keyId, subjectKeyId);
    });
    const says = `does not tell by an authority key identifier which ${signer.subject} signed it, and a trust anchor of that name has another key: Envoy tries one alone`;
    return confusing === undefined ? [] : [{ certificate, rule: 'key-identifier', says }];
  });
}

/** @returns everything that is wrong with the path at any time, the lowest certificate first. */
export function judgePath(path: Path, purpose: Purpose): readonly PathProblem[] {
  return [
    ...path.flatMap((certificate, at) => problemsAt(path, at, certificate, purpose)),
    ...policyProblems(path, purpose),
  ];
}

/** When the whole path holds, in ms since the epoch. */
export function spanOf(path: Path): { readonly notBeforeMs: number; readonly notAfterMs: number } {
  return {
    notBeforeMs: Math.max(...path.map(({ notBeforeMs }) => notBeforeMs)),
    notAfterMs: Math.min(...path.map(({ notAfterMs }) => notAfterMs)),
  };
}

/** @returns the certificates that are not valid at this moment, each in words. */
export function timeProblems(path: readonly PathCertificate[], nowMs: number): readonly PathProblem[] {
  return path.flatMap((certificate) => {
    const { notBeforeMs, notAfterMs } = certificate;
    const rule = 'validity';
    if (notAfterMs <= nowMs) return [{ certificate, rule, says: `ended at ${iso(notAfterMs)}` }];
    return notBeforeMs > nowMs ? [{ certificate, rule, says: `is not valid before ${iso(notBeforeMs)}` }] : [];
  });
}

function problemsAt(path: Path, at: number, certificate: PathCertificate, purpose: Purpose): readonly PathProblem[] {
  const above = path[at + 1];
  // RFC 5280 does not count what is self-issued; Go does.
  const casBelow = at + (purpose.casBelow ?? 0);
  return [
    ...caProblems(certificate, casBelow),
    ...constraintProblems(certificate, path.slice(0, at), purpose),
    ...useProblems(certificate, purpose),
    ...algorithmProblems(certificate, above === undefined),
    ...(above === undefined ? [] : keyIdProblems(certificate, above)),
  ].map((saying) => ({ certificate, ...saying }));
}

function caProblems(certificate: PathCertificate, casBelow: number): readonly Saying[] {
  const { version, extensions } = certificate;
  const unread = unreadable(certificate);
  const { basicConstraints, keyUsage, unknownCritical } = extensions;
  const { ca = false, pathLength = Infinity } = basicConstraints ?? {};
  const many = pathLength === 1 ? '1 intermediate' : `${pathLength} intermediates`;
  return [
    ...sayingIf(!ca || version !== 3, 'ca', 'is not a CA certificate'),
    ...sayingIf(
      keyUsage !== undefined && (keyUsage & KEY_CERT_SIGN) === 0,
      'key-usage',
      'may not sign certificates (key usage)',
    ),
    ...sayingIf(pathLength < casBelow, 'path-length', `allows ${many} below it (path length), not ${casBelow}`),
    ...unknownCritical.map(unknownExtension),
    ...sayings('encoding', unread),
  ];
}

export function unknownExtension(type: string): Saying {
  return { rule: 'extensions', says: `has a critical extension that nobody knows (${type})` };
}

/** Constraints bind every certificate below but those that are self-issued (section 6.1.4 b), and the last always. */
function constraintProblems(
  { extensions: { nameConstraints } }: PathCertificate,
  below: readonly PathCertificate[],
  { named }: Purpose,
): readonly Saying[] {
  if (nameConstraints === undefined) return [];
  const cas = below.filter((link) => !isSelfIssued(link));
  const bound = [named, ...cas.map(({ subjectDer, extensions: { names } }) => ({ subjectDer, names }))];
  const outside = bound.map((one) => nameOutOfBounds(nameConstraints, one)).find((name) => name !== undefined);
  const unknown = bound.map((one) => unprocessed(nameConstraints, one)).find((why) => why !== undefined);
  return [
    ...sayings('name-constraints', unknown),
    ...sayings('name-constraints', outside && `has name constraints that do not allow ${outside}`),
  ];
}

/**
 * An extended key usage in a CA binds all below it, for every verifier of a mesh (not in RFC 5280). Any use is none for
 * OpenSSL and BoringSSL.
 */
function useProblems({ extensions: { extendedKeyUsage } }: PathCertificate, { uses }: Purpose): readonly Saying[] {
  if (extendedKeyUsage === undefined) return [];
  const missing = uses.filter((use) => !extendedKeyUsage.includes(USES[use].oid));
  return missing.map((use) => ({
    rule: 'extended-key-usage',
    says: `may not stand above ${USES[use].words} (extended key usage without ${use})`,
  }));
}

/** Nobody checks an anchor's own signature. */
export function algorithmProblems({ algorithms }: PathCertificate, isAnchor: boolean): readonly Saying[] {
  const { signature, signatureStrength, keyProblem } = algorithms;
  const words = {
    good: undefined,
    weak: `is signed with ${signature}`,
    unknown: `is signed with an algorithm that mesh peers do not verify (${signature})`,
  }[signatureStrength];
  return [
    ...sayings('key', keyProblem && `has a key that ${keyProblem}`),
    ...sayings('signature', isAnchor ? undefined : words),
  ];
}

/** A hint in RFC 4158 section 3.5.12, a demand in OpenSSL and BoringSSL: what does not match is not its issuer. */
export function keyIdProblems(
  { extensions: { authorityKeyId } }: PathCertificate,
  above: PathCertificate,
): readonly Saying[] {
  const { keyId, serial } = authorityKeyId ?? {};
  const own = above.extensions.subjectKeyId;
  if (keyId !== undefined && own !== undefined && !sameBytes(keyId, own)) {
    return sayings(
      'key-identifier',
      `names another authority key identifier than ${above.subject} has as its subject key identifier`,
    );
  }
  if (serial === undefined || serial === above.serial) return [];
  return sayings(
    'key-identifier',
    `is signed by the key of ${above.subject}, but names serial ${serial} in its authority key identifier where this ` +
      `certificate of that key has ${above.serial}: OpenSSL and Envoy refuse that`,
  );
}

function policyProblems(path: Path, { policies }: Purpose): readonly PathProblem[] {
  const below = path.slice(0, -1).toReversed();
  const at = withoutPolicy(below, policies && { policies });
  if (at === undefined) return [];
  return at === 'leaf'
    ? [
        {
          certificate: path[0],
          rule: 'policies',
          says: 'stands below a CA that requires an explicit policy, and what it issues has none',
        },
      ]
    : [
        {
          certificate: at,
          rule: 'policies',
          says: 'has no policy that holds, below a CA that requires an explicit one',
        },
      ];
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
