// Whether the revocation lists at hand are all that a verifier will look for. One that is given some lists refuses every
// certificate whose CA it has no current list of, so that too few are worse than none.
import type { CaCertificate } from '../x509/ca-certificate.ts';
import { crlProblem, crlSigningProblem, crlTimeProblem, isNamedBy, useUntilMs } from '../x509/crl/judge-crl.ts';
import type { Crl } from '../x509/crl/read-crl.ts';
import { findPaths, isAmong } from '../x509/path/find-paths.ts';

/** All that is needed, each list once, until when all of them may be in use; or what is missing, in words. */
export type CrlCoverage =
  | { readonly crls: readonly Crl[]; readonly pem: string; readonly fromMs: number; readonly untilMs: number }
  | { readonly missing: readonly string[] };

type Complete = Exclude<CrlCoverage, { readonly missing: unknown }>;

/** @param cas at least one. @returns the current list of each. */
export function coverageOf(cas: readonly CaCertificate[], crls: readonly Crl[], nowMs: number): CrlCoverage {
  const found = cas.map((ca) => listOf(ca, crls, nowMs));
  const missing = [...new Set(found.flatMap((one) => (typeof one === 'string' ? [one] : [])))];
  if (missing.length > 0) return { missing };
  return completeWith(found.flatMap((one) => (typeof one === 'string' ? [] : [one])));
}

/** @returns the same with the lists of these CAs too, as far as they have one that is current. */
export function withOthers(
  { crls: own }: Complete,
  cas: readonly CaCertificate[],
  crls: readonly Crl[],
  nowMs: number,
): Complete {
  const found = cas.map((ca) => listOf(ca, crls, nowMs));
  return completeWith([...own, ...found.flatMap((one) => (typeof one === 'string' ? [] : [one]))]);
}

function completeWith(crls: readonly Crl[]): Complete {
  const once = [...new Map(crls.map((crl) => [crl.sha256, crl])).values()];
  return {
    crls: once,
    pem: once.map(({ pem }) => pem).join(''),
    fromMs: Math.max(...once.map(({ thisUpdateMs }) => thisUpdateMs)),
    untilMs: Math.min(...once.map(useUntilMs)),
  };
}

/**
 * @param issuers whose leaves may live.
 * @param others CA certificates that may stand between them and the anchors.
 * @returns every CA on a way from them to an anchor, the anchors among them: who looks for lists of a whole chain looks for one
 *   of each, the root's own included; or why nobody can say which they are.
 */
export function casAbove(
  issuers: readonly CaCertificate[],
  others: readonly CaCertificate[],
  anchors: readonly CaCertificate[],
): readonly CaCertificate[] | { readonly problem: string } {
  const found: CaCertificate[] = [];
  for (const issuer of issuers) {
    const paths = findPaths(issuer, others, anchors);
    if (paths.length === 0) return { problem: `nobody knows who stands above ${nameOf(issuer)}` };
    for (const ca of paths.flat()) if (!isAmong(ca, found)) found.push(ca);
  }
  return found;
}

/** @returns the newest of its lists that are in their time, or what is wrong. */
function listOf(ca: CaCertificate, crls: readonly Crl[], nowMs: number): Crl | string {
  const usage = crlSigningProblem(ca);
  if (usage !== undefined) return `${nameOf(ca)} ${usage}`;
  const own = crls.filter((crl) => isNamedBy(crl, ca) && crlProblem(crl, ca) === undefined);
  const newestFirst = own.toSorted((a, b) => b.thisUpdateMs - a.thisUpdateMs);
  const current = newestFirst.find((crl) => crlTimeProblem(crl, nowMs) === undefined);
  if (current !== undefined) return current;
  const [newest] = newestFirst;
  if (newest === undefined) return `there is no CRL of ${nameOf(ca)}`;
  return `the CRL of ${nameOf(ca)} ${crlTimeProblem(newest, nowMs) ?? ''}`;
}

function nameOf({ subject, sha256 }: CaCertificate): string {
  return `${subject} (${sha256.slice(0, 16)})`;
}
