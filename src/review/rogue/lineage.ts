// Which certificates hang on given anchors, walked from the anchors down: a name and a signature for each step, by CAs that may
// sign (RFC 5280 sections 4.2.1.3 and 4.2.1.9). Each pair of names is looked at once, so that its cost grows with the number
// of certificates and not with the number of paths. Whether a path is valid now is not the question: who made it is.
import { isSelfIssued, sameBytes, type PathCertificate } from '../../domain/x509/path/certificate.ts';
import { KEY_CERT_SIGN } from '../../domain/x509/path/extensions.ts';
import { signersOf } from '../../domain/x509/path/find-paths.ts';

/** Thousands of CAs are called `CN=ca`: signatures of one certificate that are checked against CAs of one name. */
const MAX_NAMESAKES = 64;

/** Certificates by a name, for walking up or down. */
export class CertificatesByName {
  readonly #bySubject = new Map<string, PathCertificate[]>();
  readonly #byIssuer = new Map<string, PathCertificate[]>();

  constructor(certificates: Iterable<PathCertificate>) {
    for (const certificate of certificates) {
      add(this.#bySubject, nameOf(certificate.subjectDer), certificate);
      add(this.#byIssuer, nameOf(certificate.issuerDer), certificate);
    }
  }

  named(name: Uint8Array): readonly PathCertificate[] {
    return this.#bySubject.get(nameOf(name)) ?? [];
  }

  signedInTheNameOf({ subjectDer }: PathCertificate): readonly PathCertificate[] {
    return this.#byIssuer.get(nameOf(subjectDer)) ?? [];
  }

  /** @returns whoever signed it, other than itself. */
  signersOf(certificate: PathCertificate): readonly PathCertificate[] {
    const others = this.named(certificate.issuerDer).filter(
      (other) => other.sha256 !== certificate.sha256 && mayBeSigner(other, certificate),
    );
    return signersOf(certificate, others.slice(0, MAX_NAMESAKES));
  }
}

/** How a certificate hangs on the anchors: as each CA above allows, or below one that allows no CA there. */
export type Lineage = 'within' | 'beyond path length';

/** So many CAs may stand below one; where that is exceeded, less than none. */
const EXCEEDED = -1;

/** @returns what hangs on the anchors, they themselves included, by SHA-256; what is not there does not. */
export function lineageFrom(
  anchors: readonly PathCertificate[],
  certificates: CertificatesByName,
): ReadonlyMap<string, Lineage> {
  const room = new Map<string, number>();
  const open: PathCertificate[] = [];
  const reach = (certificate: PathCertificate, left: number): void => {
    const known = room.get(certificate.sha256);
    if (known !== undefined && known >= left) return;
    room.set(certificate.sha256, left);
    if (maySign(certificate)) open.push(certificate);
  };
  for (const anchor of anchors) reach(anchor, pathLengthOf(anchor));
  for (let above = open.pop(); above !== undefined; above = open.pop()) {
    const left = room.get(above.sha256) ?? EXCEEDED;
    for (const below of certificates.signedInTheNameOf(above)) {
      const after = roomBelow(below, left);
      const isNew = (room.get(below.sha256) ?? -Infinity) < after;
      if (isNew && mayBeSigner(above, below) && signersOf(below, [above]).length > 0) reach(below, after);
    }
  }
  return new Map([...room].map(([sha256, left]) => [sha256, left === EXCEEDED ? 'beyond path length' : 'within']));
}

/** Key identifiers tell namesakes apart without a signature (RFC 5280 section 4.2.1.1); one that is wrong hides nothing that peers take. */
function mayBeSigner({ extensions: { subjectKeyId } }: PathCertificate, { extensions }: PathCertificate): boolean {
  const named = extensions.authorityKeyId?.keyId;
  return named === undefined || subjectKeyId === undefined || sameBytes(named, subjectKeyId);
}

export function isCa({ extensions }: PathCertificate): boolean {
  return extensions.basicConstraints?.ca === true;
}

/** Certificates that are self-issued do not count (RFC 5280 section 4.2.1.9), nor do leaves. */
function roomBelow(below: PathCertificate, left: number): number {
  if (left === EXCEEDED || !isCa(below)) return left;
  const cost = isSelfIssued(below) ? 0 : 1;
  return Math.min(left - cost, pathLengthOf(below));
}

function pathLengthOf({ extensions }: PathCertificate): number {
  return extensions.basicConstraints?.pathLength ?? Infinity;
}

/** A version 1 certificate cannot say that it is a CA, and is none. */
function maySign(certificate: PathCertificate): boolean {
  const { keyUsage } = certificate.extensions;
  return isCa(certificate) && (keyUsage === undefined || (keyUsage & KEY_CERT_SIGN) !== 0);
}

function nameOf(name: Uint8Array): string {
  return Buffer.from(name).toString('latin1');
}

function add(map: Map<string, PathCertificate[]>, name: string, certificate: PathCertificate): void {
  const there = map.get(name);
  if (there === undefined) map.set(name, [certificate]);
  else there.push(certificate);
}
