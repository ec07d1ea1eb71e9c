// Which of the certificates that were found should not be there: every CA that is no corporate anchor and does not hang on one,
// every certificate that signed itself, and leaves of CAs whose own certificates are nowhere. Leaves of a CA that is
// found are counted with it: who ends the CA ends them.
import { isSelfIssued, sameBytes, type PathCertificate } from '../../domain/x509/path/certificate.ts';
import { compareText } from '../../domain/text/compare-text.ts';
import type { Gathered, GatheredCertificate } from './gathered.ts';
import type { NotRead, Sighting } from './found.ts';
import { CertificatesByName, isCa, lineageFrom, type Lineage } from './lineage.ts';

export type RogueKind = 'self-signed-ca' | 'foreign-ca' | 'path-length' | 'self-signed-leaf' | 'foreign-leaves';

/** CAs that are not the corporate ones and may be there. */
export type KnownAs = 'cluster' | 'known' | 'public';

export interface Trust {
  readonly corporate: readonly PathCertificate[];
  /** The cluster's own CAs, and what an operator named. What they signed is left out too. */
  readonly others: readonly { readonly certificate: PathCertificate; readonly as: 'cluster' | 'known' }[];
  /** Roots of the public web: trusting them is left out; what they signed is not. SHA-256, lower-case hex. */
  readonly publicRoots: ReadonlySet<string>;
}

export interface Signer {
  readonly subject: string;
  /** Whether its certificate was found, and may sign. */
  readonly found: 'found' | 'no CA' | 'nowhere' | 'public root';
}

export interface Rogue {
  readonly kind: RogueKind;
  /** Of `foreign-leaves` one of them. */
  readonly certificate: PathCertificate;
  /** Absent where it signed itself. */
  readonly signer: Signer | undefined;
  /** It has the name of a corporate anchor, and another key. */
  readonly namesake: boolean;
  readonly expired: boolean;
  readonly hasPrivateKey: boolean;
  readonly sightings: readonly Sighting[];
  readonly sightingCount: number;
  /** Leaves that it signed, or of which it is one. */
  readonly leaves: { readonly count: number; readonly sightings: readonly Sighting[] };
}

export interface RogueReport {
  /** CAs with a private key first. */
  readonly rogues: readonly Rogue[];
  /** What was found and may be there. */
  readonly known: readonly { readonly found: GatheredCertificate; readonly as: KnownAs }[];
  readonly notRead: readonly NotRead[];
  /** Different certificates. */
  readonly looked: number;
}

/** Places that are kept of the leaves of one CA. */
const MAX_LEAF_PLACES = 5;

export function judgeRogues(gathered: Gathered, trust: Trust, nowMs: number): RogueReport {
  const { certificates, notRead } = gathered;
  const judge = new Judge(certificates, trust, nowMs);
  const suspects = certificates.filter((found) => judge.isSuspect(found));
  const rogues = judge.withLeaves(suspects);
  return { rogues: rogues.sort(compareRogues), known: judge.known(), notRead, looked: certificates.length };
}

class Judge {
  readonly #found: readonly GatheredCertificate[];
  readonly #trust: Trust;
  readonly #nowMs: number;
  readonly #byName: CertificatesByName;
  readonly #corporate: ReadonlyMap<string, Lineage>;
  readonly #knownAs = new Map<string, KnownAs>();

  constructor(found: readonly GatheredCertificate[], trust: Trust, nowMs: number) {
    this.#found = found;
    this.#trust = trust;
    this.#nowMs = nowMs;
    const { corporate, others, publicRoots } = trust;
    const given = [...corporate, ...others.map(({ certificate }) => certificate)];
    const unique = new Map(
      [...given, ...found.map(({ certificate }) => certificate)].map((one) => [one.sha256, one] as const),
    );
    this.#byName = new CertificatesByName(unique.values());
    this.#corporate = lineageFrom(corporate, this.#byName);
    for (const { certificate } of found) {
      if (publicRoots.has(certificate.sha256)) this.#knownAs.set(certificate.sha256, 'public');
    }
    for (const as of ['cluster', 'known'] as const) {
      const anchors = others.filter((other) => other.as === as).map(({ certificate }) => certificate);
      for (const sha256 of lineageFrom(anchors, this.#byName).keys()) this.#knownAs.set(sha256, as);
    }
  }

  isSuspect({ certificate: { sha256 } }: GatheredCertificate): boolean {
    return this.#corporate.get(sha256) !== 'within' && !this.#knownAs.has(sha256);
  }

  /** Leaves go to their CA where that is suspect too; others are one suspect for each name of a signer. */
  withLeaves(suspects: readonly GatheredCertificate[]): Rogue[] {
    const cas = new Map<string, Rogue>();
    const leaves: GatheredCertificate[] = [];
    for (const found of suspects) {
      const kind = this.#kindOf(found);
      if (kind === 'foreign-leaves') leaves.push(found);
      else cas.set(found.certificate.sha256, this.#rogue(kind, found));
    }
    for (const leaf of leaves) {
      const signer = this.#byName.signersOf(leaf.certificate).find(({ sha256 }) => cas.has(sha256));
      const key = signer?.sha256 ?? `leaves of ${Buffer.from(leaf.certificate.issuerDer).toString('hex')}`;
      cas.set(key, withLeaf(cas.get(key) ?? this.#rogue('foreign-leaves', leaf), leaf));
    }
    return [...cas.values()];
  }

  known(): RogueReport['known'] {
    return this.#found.flatMap((found) => {
      const as = this.#knownAs.get(found.certificate.sha256);
      return as === undefined || this.#corporate.has(found.certificate.sha256) ? [] : [{ found, as }];
    });
  }

  #kindOf({ certificate }: GatheredCertificate): RogueKind {
    const selfSigned = signedItself(certificate);
    if (!isCa(certificate)) return selfSigned ? 'self-signed-leaf' : 'foreign-leaves';
    if (this.#corporate.has(certificate.sha256)) return 'path-length';
    return selfSigned ? 'self-signed-ca' : 'foreign-ca';
  }

  #rogue(kind: RogueKind, found: GatheredCertificate): Rogue {
    const { certificate, sightings, sightingCount, hasPrivateKey } = found;
    return {
      kind,
      certificate,
      signer: kind === 'self-signed-ca' || kind === 'self-signed-leaf' ? undefined : this.#signerOf(certificate),
      namesake: this.#trust.corporate.some(({ subjectDer }) => sameBytes(subjectDer, certificate.subjectDer)),
      expired: certificate.notAfterMs < this.#nowMs,
      ...{ sightings, sightingCount, hasPrivateKey },
      leaves: { count: 0, sightings: [] },
    };
  }

  #signerOf(certificate: PathCertificate): Signer {
    const signers = this.#byName.signersOf(certificate);
    const signer = signers.find(isCa) ?? signers[0];
    if (signer === undefined) return { subject: certificate.issuer, found: 'nowhere' };
    if (this.#trust.publicRoots.has(signer.sha256)) return { subject: signer.subject, found: 'public root' };
    return { subject: signer.subject, found: isCa(signer) ? 'found' : 'no CA' };
  }
}

function withLeaf(rogue: Rogue, { sightings, hasPrivateKey }: GatheredCertificate): Rogue {
  const { count, sightings: known } = rogue.leaves;
  const places = known.length < MAX_LEAF_PLACES ? [...known, ...sightings.slice(0, 1)] : known;
  return {
    ...rogue,
    hasPrivateKey: rogue.hasPrivateKey || (rogue.kind === 'foreign-leaves' && hasPrivateKey),
    leaves: { count: count + 1, sightings: places },
  };
}

/** A key that OpenSSL cannot use has signed nothing that anybody verifies. */
function signedItself(certificate: PathCertificate): boolean {
  try {
    return isSelfIssued(certificate) && certificate.x509.verify(certificate.x509.publicKey);
  } catch {
    return false;
  }
}

const ORDER: readonly RogueKind[] = [
  'self-signed-ca',
  'foreign-ca',
  'path-length',
  'self-signed-leaf',
  'foreign-leaves',
];

function compareRogues(one: Rogue, other: Rogue): number {
  return (
    Number(one.expired) - Number(other.expired) ||
    ORDER.indexOf(one.kind) - ORDER.indexOf(other.kind) ||
    Number(other.hasPrivateKey) - Number(one.hasPrivateKey) ||
    compareText(one.certificate.subject, other.certificate.subject) ||
    compareText(one.certificate.sha256, other.certificate.sha256)
  );
}
