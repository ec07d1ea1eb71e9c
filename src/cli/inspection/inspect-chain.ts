// Whether a chain leads to a trust anchor, link by link (RFC 5280 section 6.1 without policies, name
// constraints and revocation), so that a person learns which link is broken and how.
import type { ReadCertificate } from './certificate-facts.ts';
import { titleOf } from './certificate-facts.ts';
import { validityInWords } from '../time-words.ts';

export interface Inspection {
  /** `unanchored`: every link holds, but nobody said what to trust. */
  readonly verdict: 'trusted' | 'unanchored' | 'broken';
  readonly problems: readonly string[];
  /** Leaf first, upwards; no anchor. */
  readonly chain: readonly ReadCertificate[];
  /** What the chain leads to. */
  readonly anchor: ReadCertificate | undefined;
}

/**
 * @param given certificates in the order of the file, leaf first.
 * @param anchors what is trusted.
 */
export function inspectChain(
  given: readonly ReadCertificate[],
  anchors: readonly ReadCertificate[],
  nowMs: number,
): Inspection {
  const fromAnchor = given.findIndex((certificate) => anchors.some((anchor) => isSame(anchor, certificate)));
  // A file may end in the anchor itself; a file that is an anchor is a chain of one.
  const chain = fromAnchor > 0 ? given.slice(0, fromAnchor) : given;
  const top = chain.at(-1);
  const anchor = top && anchors.find((candidate) => isSame(candidate, top) || signed(candidate, top));
  const path = anchor === undefined || (top && isSame(anchor, top)) ? chain : [...chain, anchor];
  const problems = [
    ...path.flatMap((certificate) => timeProblems(certificate, nowMs)),
    ...path.slice(0, -1).flatMap((certificate, index) => linkProblems(certificate, path[index + 1], index)),
    ...(anchor === undefined && anchors.length > 0 && top ? [anchorProblem(top, anchors)] : []),
  ];
  const verdict = problems.length > 0 ? 'broken' : anchor === undefined ? 'unanchored' : 'trusted';
  return { verdict, problems, chain, anchor };
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
  return [`${titleOf(facts)} ${nowMs < facts.notBeforeMs ? 'is ' : ''}${validityInWords(facts, nowMs)}`];
}

/** An anchor of the right name is what misleads people most. */
function anchorProblem(top: ReadCertificate, anchors: readonly ReadCertificate[]): string {
  const namesake = anchors.some(({ facts }) => facts.subject === top.facts.issuer);
  const more = namesake ? `; there is one named ${top.facts.issuer}, but its key is another` : '';
  return `${quoted(top)} is signed by no trust anchor given${more}`;
}

/** Names first: a signature check on the wrong key would say no for the wrong reason. */
function signed(signer: ReadCertificate, certificate: ReadCertificate): boolean {
  return certificate.x509.checkIssued(signer.x509) && certificate.x509.verify(signer.x509.publicKey);
}

function isSame(one: ReadCertificate, other: ReadCertificate): boolean {
  return one.facts.sha256 === other.facts.sha256;
}

function quoted({ facts }: ReadCertificate): string {
  return titleOf(facts);
}
