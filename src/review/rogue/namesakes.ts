// Certificates by their names, and those of one name by their key: what one of them signed, all of them signed. Thousands of CAs are
// called `CN=ca`, and whoever makes thousands with one key makes one.
import { sameBytes, type PathCertificate } from '../../domain/x509/path/certificate.ts';

/** Certificates of one name, key and key identifier. */
export interface SameKey {
  readonly any: PathCertificate;
  readonly members: readonly PathCertificate[];
}

export class Namesakes {
  readonly #bySubject = new Map<string, Map<string, PathCertificate[]>>();
  readonly #byIssuer = new Map<string, PathCertificate[]>();
  readonly #groups = new Map<readonly PathCertificate[], SameKey>();

  constructor(certificates: Iterable<PathCertificate>) {
    for (const certificate of certificates) {
      const keys = entry(this.#bySubject, latin1(certificate.subjectDer), () => new Map<string, PathCertificate[]>());
      entry(keys, keyOf(certificate), () => []).push(certificate);
      entry(this.#byIssuer, latin1(certificate.issuerDer), () => []).push(certificate);
    }
  }

  groupOf(certificate: PathCertificate): SameKey {
    const members = this.#bySubject.get(latin1(certificate.subjectDer))?.get(keyOf(certificate)) ?? [certificate];
    return entry(this.#groups, members, () => ({ any: members[0] ?? certificate, members }));
  }

  /** @returns whose name it bears as its issuer's, as far as key identifiers do not tell them apart. */
  possibleSignersOf(certificate: PathCertificate): readonly SameKey[] {
    const named = this.#bySubject.get(latin1(certificate.issuerDer))?.values() ?? [];
    return [...named].flatMap(([any]) => {
      return any !== undefined && mayBeSigner(any, certificate) ? [this.groupOf(any)] : [];
    });
  }

  /** @returns what bears its name as an issuer's, and may be signed by its key as far as key identifiers tell. */
  possiblySignedBy({ any }: SameKey): readonly PathCertificate[] {
    const below = this.#byIssuer.get(latin1(any.subjectDer)) ?? [];
    return below.filter((certificate) => mayBeSigner(any, certificate));
  }
}

/** Key identifiers tell namesakes apart without a signature (RFC 5280 section 4.2.1.1); one that is wrong hides nothing that peers take. */
function mayBeSigner({ extensions: { subjectKeyId } }: PathCertificate, { extensions }: PathCertificate): boolean {
  const named = extensions.authorityKeyId?.keyId;
  return named === undefined || subjectKeyId === undefined || sameBytes(named, subjectKeyId);
}

function keyOf({ spki, extensions: { subjectKeyId } }: PathCertificate): string {
  return `${latin1(subjectKeyId ?? new Uint8Array())} ${latin1(spki)}`;
}

function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1');
}

function entry<K, V>(map: Map<K, V>, key: K, make: () => V): V {
  const there = map.get(key);
  if (there !== undefined) return there;
  const made = make();
  map.set(key, made);
  return made;
}
