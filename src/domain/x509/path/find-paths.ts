// Every way up from a certificate to a trust anchor (RFC 4158): over whatever certificates are given, in any
// order. A step is a name and a signature; what else must hold is judged later, so that a person learns why a
// path that is there cannot be used.
import { sameBytes, type PathCertificate } from './certificate.ts';
import type { Path } from './path-problem.ts';

/** Cross-signed CAs multiply paths; more than these are no chain but an attack. */
const MAX_PATHS = 64;
const MAX_LENGTH = 10;

/**
 * @param first where paths begin; it is no anchor.
 * @returns the paths, shortest first.
 */
export function findPaths(
  first: PathCertificate,
  given: readonly PathCertificate[],
  anchors: readonly PathCertificate[],
): readonly Path[] {
  const found: Path[] = [];
  let open: Path[] = [[first]];
  while (open.length > 0) {
    const longer: Path[] = [];
    for (const path of open) {
      const top = path.at(-1) ?? first;
      const isNew = (link: PathCertificate): boolean => !path.some((lower) => isSameCa(lower, link));
      found.push(...signersOf(top, anchors.filter(isNew)).map((anchor): Path => [...path, anchor]));
      const unused = given.filter((link) => isNew(link) && !isAmong(link, anchors));
      if (path.length < MAX_LENGTH) longer.push(...signersOf(top, unused).map((link): Path => [...path, link]));
    }
    if (found.length >= MAX_PATHS) break;
    open = longer.slice(0, MAX_PATHS);
  }
  return found.slice(0, MAX_PATHS);
}

/** No CA stands twice in a path (RFC 4158 section 5.2): the shorter one, without the detour, is a path too. */
function isSameCa(one: PathCertificate, other: PathCertificate): boolean {
  return sameBytes(one.subjectDer, other.subjectDer) && sameBytes(one.spki, other.spki);
}

/** Of those that bear the issuer's name, the ones whose key made the signature. */
export function signersOf(
  certificate: PathCertificate,
  candidates: readonly PathCertificate[],
): readonly PathCertificate[] {
  return candidates.filter((candidate) => isNamed(candidate, certificate) && hasSigned(candidate, certificate));
}

export function isNamed({ subjectDer }: PathCertificate, { issuerDer }: PathCertificate): boolean {
  return sameBytes(subjectDer, issuerDer);
}

export function isAmong({ sha256 }: PathCertificate, others: readonly PathCertificate[]): boolean {
  return others.some((other) => other.sha256 === sha256);
}

/** Whether its key made the signature; names are not looked at. */
export function hasSigned(signer: PathCertificate, { x509 }: PathCertificate): boolean {
  try {
    return x509.verify(signer.x509.publicKey);
  } catch {
    // A key that OpenSSL cannot use has signed nothing that it can verify.
    return false;
  }
}

/** @returns why there is no path, in words, from the highest certificate that was reached. */
export function gapAbove(
  first: PathCertificate,
  given: readonly PathCertificate[],
  anchors: readonly PathCertificate[],
): string {
  const top = highestFrom(first, given);
  const { subject, issuer } = top;
  const namesakes = [...given, ...anchors].filter((candidate) => candidate !== top && isNamed(candidate, top));
  if (namesakes.length > 0) {
    return `certificate ${subject} is not signed by the ${issuer} that is given: that one's key is another`;
  }
  if ([...given, ...anchors].some((candidate) => candidate !== top && candidate.x509.subject === top.x509.issuer)) {
    return `certificate ${subject} names its issuer ${issuer} in another encoding than that one's own certificate`;
  }
  return `certificate ${subject} is signed by ${issuer}, which is neither in this file nor a trust anchor`;
}

function highestFrom(first: PathCertificate, given: readonly PathCertificate[]): PathCertificate {
  const seen = [first];
  for (;;) {
    const top = seen.at(-1) ?? first;
    const [above] = signersOf(
      top,
      given.filter((candidate) => !seen.includes(candidate)),
    );
    if (above === undefined) return top;
    seen.push(above);
  }
}
