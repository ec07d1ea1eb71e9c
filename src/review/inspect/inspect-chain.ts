// Whether a chain leads to a trust anchor. The verdict is that of the code which judges an issuer before it comes in
// force; where there is no way up at all, the file is walked link by link, so that a person learns which one is broken.
import { adviceOn } from '../../domain/x509/path/advice.ts';
import { judgeCertificate, partialAnchors, type Verdict } from '../../domain/x509/path/judge-certificate.ts';
import { signersOf } from '../../domain/x509/path/find-paths.ts';
import type { Path, PathProblem } from '../../domain/x509/path/path-problem.ts';
import type { SubjectAltName } from '../../domain/x509/template.ts';
import { lifetimeProblem } from '../../domain/trust/lifetime-relations.ts';
import type { ReadCertificate } from './certificate-facts.ts';
import { titleOf } from './certificate-facts.ts';
import { formatValidity } from '../../domain/text/format-time.ts';

export interface Inspection {
  /**
   * `unanchored`: every link holds, but nobody said what to trust. `constrained`: every link holds, but name constraints
   * decide what this CA may certify, and nobody said what it is to.
   */
  readonly verdict: 'trusted' | 'unanchored' | 'constrained' | 'broken';
  readonly problems: readonly string[];
  /** What works and should not be. */
  readonly warnings: readonly string[];
  /** What to ask the CA for, so that neither is there any more. */
  readonly ask: readonly string[];
  /** Leaf first, upwards; no anchor. */
  readonly chain: readonly ReadCertificate[];
  /** What the chain leads to. */
  readonly anchor: ReadCertificate | undefined;
}

export interface InspectionSettings {
  readonly nowMs: number;
  /** Names that a CA is to certify. */
  readonly certifies: readonly SubjectAltName[];
  /** Whether an anchor that another CA signed will do, as for an Envoy without the SPIFFE validator. */
  readonly partialChain: boolean;
  /** Of the leaves that a CA is to sign, in ms; absent, its own lifetime is not judged. */
  readonly longestLeafMs?: number;
}

/**
 * @param given certificates in the order of the file, leaf first.
 * @param anchors what is trusted.
 */
export function inspectChain(
  given: readonly ReadCertificate[],
  anchors: readonly ReadCertificate[],
  settings: InspectionSettings,
): Inspection {
  const [target, ...others] = given;
  if (target === undefined || anchors.length === 0) return linkByLink(given, anchors, settings.nowMs);
  const pathsOf = (certificates: readonly ReadCertificate[]) => certificates.map(({ forPath }) => forPath);
  const { nowMs, certifies } = settings;
  const verdict = judgeCertificate(target.forPath, pathsOf(others), pathsOf(anchors), nowMs, certifies);
  // TLS peers take the first certificate of a file for the leaf (RFC 8446, section 4.4.2).
  const upsideDown = others.find(({ forPath }) => signersOf(forPath, [target.forPath]).length > 0);
  if (upsideDown !== undefined) return inWrongOrder(target, upsideDown, given);
  return verdict.path === undefined
    ? linkByLink(given, anchors, nowMs)
    : alongPath(verdict.path, verdict, [...given, ...anchors], settings);
}

function alongPath(
  path: Path,
  { problems, untimely, weaknesses }: Verdict,
  known: readonly ReadCertificate[],
  { nowMs, certifies, partialChain, longestLeafMs }: InspectionSettings,
): Inspection {
  const links = path.flatMap(({ sha256 }) => known.find(({ forPath }) => forPath.sha256 === sha256) ?? []);
  const anchor = links.at(-1);
  const sayings = (found: readonly PathProblem[]): string[] =>
    found.map(({ certificate, says }) => `${titleIn(links, certificate)} ${says}`);
  const partial = partialAnchors(path.slice(-1)).map(
    ({ subject, issuer }) =>
      `${subject} is a trust anchor that ${issuer} signed: Envoy's SPIFFE validator and OpenSSL want a self-signed one`,
  );
  const wrong = [
    ...links.flatMap((link) => timeProblems(link, nowMs)),
    ...sayings(problems),
    ...(partialChain ? [] : partial),
    ...(longestLeafMs === undefined ? [] : lifetimeProblems(path, longestLeafMs)),
  ];
  const open = certifies.length === 0 && links[0]?.facts.ca === true && isConstrained(path);
  return {
    verdict: wrong.length > 0 ? 'broken' : open ? 'constrained' : 'trusted',
    problems: wrong,
    warnings: [...sayings(weaknesses), ...(partialChain ? partial : [])],
    ask: adviceFor([...untimely, ...problems, ...weaknesses]),
    chain: links.length > 1 ? links.slice(0, -1) : links,
    anchor,
  };
}

/** A leaf is nothing to ask a corporate CA for. */
function adviceFor(found: readonly PathProblem[]): readonly string[] {
  const ofCas = found.filter(({ certificate }) => certificate.extensions.basicConstraints?.ca === true);
  return [...new Set(ofCas.map(({ rule }) => adviceOn(rule)))];
}

/** Of a CA that is to sign leaves. */
function lifetimeProblems(
  [{ notBeforeMs, notAfterMs, subject }, ...above]: Path,
  longestLeafMs: number,
): readonly string[] {
  const anchorNotAfterMs = above.at(-1)?.notAfterMs ?? notAfterMs;
  const lives = { ownNotBeforeMs: notBeforeMs, ownNotAfterMs: notAfterMs, anchorNotAfterMs };
  const problem = lifetimeProblem(lives, longestLeafMs);
  return problem === undefined ? [] : [`${subject} has another lifetime than it needs: ${problem}`];
}

function isConstrained(path: Path): boolean {
  return path.some(({ extensions }) => extensions.nameConstraints !== undefined);
}

function titleIn(links: readonly ReadCertificate[], { sha256, subject }: PathProblem['certificate']): string {
  const link = links.find(({ forPath }) => forPath.sha256 === sha256);
  return link === undefined ? subject : titleOf(link.facts) || subject;
}

function inWrongOrder(first: ReadCertificate, below: ReadCertificate, given: readonly ReadCertificate[]): Inspection {
  const problem = `the file begins with ${quoted(first)}, which signed ${quoted(below)}: the leaf comes first`;
  return { verdict: 'broken', problems: [problem], warnings: [], ask: [], chain: given, anchor: undefined };
}

/** In the order of the file, where nothing leads up or nobody said where to. */
function linkByLink(given: readonly ReadCertificate[], anchors: readonly ReadCertificate[], nowMs: number): Inspection {
  const top = given.at(-1);
  const anchor = top && anchors.find((candidate) => signed(candidate, top));
  const path = anchor === undefined ? given : [...given, anchor];
  const problems = [
    ...path.flatMap((certificate) => timeProblems(certificate, nowMs)),
    ...path.slice(0, -1).flatMap((certificate, index) => linkProblems(certificate, path[index + 1], index)),
    ...(anchor === undefined && anchors.length > 0 && top ? [anchorProblem(top, anchors)] : []),
  ];
  const verdict = problems.length > 0 ? 'broken' : 'unanchored';
  return { verdict, problems, warnings: [], ask: [], chain: given, anchor };
}

/** @param index how many certificates stand below the signer in its path, itself not counted, minus the leaf. */
function linkProblems(certificate: ReadCertificate, signer: ReadCertificate | undefined, index: number): string[] {
  if (signer === undefined) return [];
  const { ca, pathLength, keyUsage } = signer.facts;
  const who = `${quoted(certificate)} is signed by ${quoted(signer)}, which`;
  if (!signed(signer, certificate)) return [`${quoted(certificate)} is not signed by ${quoted(signer)}`];
  return [
    ...(ca ? [] : [`${who} is no CA`]),
    ...(keyUsage.length === 0 || keyUsage.includes('signing certificates') ? [] : [`${who} may not sign certificates`]),
    ...(pathLength === undefined || index <= pathLength
      ? []
      : [`${who} allows ${pathLength} CAs below it, not ${index}`]),
  ];
}

function timeProblems({ facts }: ReadCertificate, nowMs: number): string[] {
  if (facts.notBeforeMs <= nowMs && nowMs <= facts.notAfterMs) return [];
  return [`${titleOf(facts)} ${nowMs < facts.notBeforeMs ? 'is ' : ''}${formatValidity(facts, nowMs)}`];
}

/** An anchor of the right name is what misleads people most. */
function anchorProblem(top: ReadCertificate, anchors: readonly ReadCertificate[]): string {
  const namesake = anchors.some(({ facts }) => facts.subject === top.facts.issuer);
  return namesake
    ? `${quoted(top)} is signed by no trust anchor given; there is one named ${top.facts.issuer}, but its key is another`
    : `${quoted(top)} is signed by ${top.facts.issuer}, which is neither in this file nor a trust anchor given`;
}

/** Names first: a signature check on the wrong key would say no for the wrong reason. */
function signed(signer: ReadCertificate, certificate: ReadCertificate): boolean {
  return certificate.x509.checkIssued(signer.x509) && certificate.x509.verify(signer.x509.publicKey);
}

function quoted({ facts }: ReadCertificate): string {
  return titleOf(facts);
}
