// Whether one certificate, a leaf or a CA, leads to a trust anchor: the question of `capstan inspect` and of the
// trial before an issuer comes in force.
import { isAmong, findPaths } from './find-paths.ts';
import type { SubjectAltName } from '../template.ts';
import { namedAs } from './certified-names.ts';
import { unreadable } from './unreadable.ts';
import { isSelfSigned, type PathCertificate } from './certificate.ts';
import {
  algorithmProblems,
  judgePath,
  keyIdProblems,
  namesakeProblems,
  timeProblems,
  unknownExtension,
  type Purpose,
} from './judge-path.ts';
import { sayingIf, sayings, type Path, type PathProblem } from './path-problem.ts';
import { weaknessesOf } from './weaknesses.ts';

export interface Verdict {
  /** From the certificate up to the anchor: one that holds, else the one with the least wrong. None where there is no way up. */
  readonly path: Path | undefined;
  /** What is wrong with that path at any time. */
  readonly problems: readonly PathProblem[];
  /** What of it is not valid at this moment. */
  readonly untimely: readonly PathProblem[];
  /** What works and should not be. */
  readonly weaknesses: readonly PathProblem[];
}

const USES = { '1.3.6.1.5.5.7.3.1': 'serverAuth', '1.3.6.1.5.5.7.3.2': 'clientAuth' } as const;
const BOTH = ['serverAuth', 'clientAuth'] as const;

/**
 * @param given certificates that may stand between, in any order.
 * @param certifies names that a CA is to certify; a leaf has its own.
 */
export function judgeCertificate(
  target: PathCertificate,
  given: readonly PathCertificate[],
  anchors: readonly PathCertificate[],
  nowMs: number,
  certifies: readonly SubjectAltName[] = [],
): Verdict {
  const paths: readonly Path[] = isAmong(target, anchors) ? [[target]] : findPaths(target, given, anchors);
  const judged = paths.map((path): Verdict & { readonly path: Path } => ({
    path,
    problems: [...problemsOf(path, certifies), ...namesakeProblems(path, anchors)],
    untimely: timeProblems(path, nowMs),
    weaknesses: weaknessesOf(path),
  }));
  const [first, ...rest] = judged;
  if (first === undefined) return { path: undefined, problems: [], untimely: [], weaknesses: [] };
  return rest.reduce<Verdict>((best, other) => (wrong(other) < wrong(best) ? other : best), first);
}

/** With partial chains any anchor ends a path; OpenSSL by default, and Envoy's SPIFFE validator, want a self-signed one. */
export function partialAnchors(anchors: readonly PathCertificate[]): readonly PathCertificate[] {
  return anchors.filter((anchor) => !isSelfSigned(anchor));
}

function wrong({ problems, untimely }: Verdict): number {
  return problems.length + untimely.length;
}

function problemsOf(path: Path, certifies: readonly SubjectAltName[]): readonly PathProblem[] {
  const [target, ...above] = path;
  const { basicConstraints, names } = target.extensions;
  if (basicConstraints?.ca === true) return judgePath(path, { named: namedAs(certifies), uses: BOTH });
  const purpose: Purpose = {
    named: { subjectDer: target.subjectDer, names },
    uses: usesOf(target),
    policies: target.extensions.policies ?? [],
  };
  const [issuer, ...higher] = above;
  const own = [
    ...target.extensions.unknownCritical.map(unknownExtension),
    ...algorithmProblems(target, false),
    ...sayings('encoding', unreadable(target)),
    ...sayingIf(
      purpose.uses.length === 0,
      'extended-key-usage',
      'is neither for TLS servers nor for TLS clients (extended key usage)',
    ),
    ...(issuer === undefined ? [] : keyIdProblems(target, issuer)),
  ].map((saying) => ({ certificate: target, ...saying }));
  return issuer === undefined ? own : [...own, ...judgePath([issuer, ...higher], purpose)];
}

/** What the leaf says it is for; one that says nothing is for everything. */
function usesOf({ extensions: { extendedKeyUsage } }: PathCertificate): Purpose['uses'] {
  if (extendedKeyUsage === undefined) return BOTH;
  return extendedKeyUsage.flatMap((oid) => (oid in USES ? [USES[oid as keyof typeof USES]] : []));
}
