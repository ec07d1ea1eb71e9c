// Which of the certificates that were found should not be there: every CA that is no corporate anchor and does not hang on one,
// every certificate that signed itself, and leaves of CAs whose own certificates are nowhere. Leaves of a CA that is
// found are counted with it: who ends the CA ends them.
import { isSelfIssued, sameBytes, type PathCertificate } from '../../domain/x509/path/certificate.ts';
import { compareText } from '../../domain/text/compare-text.ts';
import { placeName, type Gathered, type GatheredCertificate } from './gathered.ts';
import type { NotRead, Sighting } from './found.ts';
import { isCa } from './lineage.ts';
import type { SameKey } from './namesakes.ts';
import { Signatures, type SignatureOptions } from './signatures.ts';
import { lineagesOf, type KnownAs, type Lineages, type Trust } from './trust.ts';

export type RogueKind = 'self-signed-ca' | 'foreign-ca' | 'path-length' | 'self-signed-leaf' | 'foreign-leaves';

export interface Signer {
  readonly subject: string;
  /** Whether its certificate was found, and may sign; `unchecked` where there are too many of its name to try all. */
  readonly found: 'found' | 'no CA' | 'nowhere' | 'public root' | 'unchecked';
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
/** Names that are said of what could not be told. */
const MAX_EXAMPLES = 3;

/**
 * What could not be told because of the bound on signatures is suspect, and said in `notRead`.
 * @throws the signal's reason.
 */
export async function judgeRogues(
  gathered: Gathered,
  trust: Trust,
  { nowMs, ...options }: SignatureOptions & { readonly nowMs: number },
): Promise<RogueReport> {
  const { certificates, notRead } = gathered;
  const signatures = new Signatures(options);
  const lineages = await lineagesOf(certificates, trust, signatures);
  const judge = new Judge(certificates, trust, { ...lineages, signatures, nowMs });
  const suspects = certificates.filter((found) => judge.isSuspect(found));
  const rogues = await judge.withLeaves(suspects);
  const unchecked = judge.unchecked();
  return {
    rogues: rogues.sort(compareRogues),
    known: judge.known(),
    notRead: [...notRead, ...(unchecked === undefined ? [] : [unchecked])],
    looked: certificates.length,
  };
}

class Judge {
  readonly #found: readonly GatheredCertificate[];
  readonly #trust: Trust;
  readonly #parts: Lineages & { readonly signatures: Signatures; readonly nowMs: number };
  /** Of each key one CA that is suspect, nothing where there is none. */
  readonly #suspectOf = new Map<SameKey, PathCertificate | undefined>();
  /** Whose signer could not be told, by SHA-256. */
  readonly #unchecked = new Map<string, GatheredCertificate>();

  constructor(
    found: readonly GatheredCertificate[],
    trust: Trust,
    parts: Lineages & { readonly signatures: Signatures; readonly nowMs: number },
  ) {
    this.#found = found;
    this.#trust = trust;
    this.#parts = parts;
  }

  isSuspect({ certificate: { sha256 } }: GatheredCertificate): boolean {
    return this.#parts.corporate.get(sha256) !== 'within' && !this.#parts.knownAs.has(sha256);
  }

  /** Leaves go to their CA where that is suspect too; others are one suspect for each name of a signer. */
  async withLeaves(suspects: readonly GatheredCertificate[]): Promise<Rogue[]> {
    const cas = new Map<string, Rogue>();
    const leaves: GatheredCertificate[] = [];
    for (const found of suspects) {
      const kind = await this.#kindOf(found);
      if (kind === 'foreign-leaves') leaves.push(found);
      else cas.set(found.certificate.sha256, await this.#rogue(kind, found));
    }
    for (const leaf of leaves) {
      const signer = await this.#suspectSignerOf(leaf, cas);
      const key = signer?.sha256 ?? `leaves of ${Buffer.from(leaf.certificate.issuerDer).toString('hex')}`;
      cas.set(key, withLeaf(cas.get(key) ?? (await this.#rogue('foreign-leaves', leaf)), leaf));
    }
    return [...cas.values()];
  }

  /** What the bound on signatures left open. */
  unchecked(): NotRead | undefined {
    const lineages = this.#parts.corporate;
    const open = this.#found.filter(
      ({ certificate: { sha256 } }) => this.#unchecked.has(sha256) || lineages.get(sha256) === 'unchecked',
    );
    if (open.length === 0) return undefined;
    const examples = open.slice(0, MAX_EXAMPLES).flatMap(({ sightings }) => sightings.slice(0, 1).map(placeName));
    return {
      why: 'has a certificate for which too many CAs bear its signer\u2019s name to try each',
      count: open.length,
      examples,
    };
  }

  known(): RogueReport['known'] {
    return this.#found.flatMap((found) => {
      const as = this.#parts.knownAs.get(found.certificate.sha256);
      const lineage = this.#parts.corporate.get(found.certificate.sha256) ?? 'unchecked';
      return as === undefined || lineage !== 'unchecked' ? [] : [{ found, as }];
    });
  }

  async #kindOf({ certificate }: GatheredCertificate): Promise<RogueKind> {
    const selfSigned = await this.#signedItself(certificate);
    if (!isCa(certificate)) return selfSigned ? 'self-signed-leaf' : 'foreign-leaves';
    if (this.#parts.corporate.get(certificate.sha256) === 'beyond path length') return 'path-length';
    return selfSigned ? 'self-signed-ca' : 'foreign-ca';
  }

  async #rogue(kind: RogueKind, found: GatheredCertificate): Promise<Rogue> {
    const { certificate, sightings, sightingCount, hasPrivateKey } = found;
    return {
      kind,
      certificate,
      signer: kind === 'self-signed-ca' || kind === 'self-signed-leaf' ? undefined : await this.#signerOf(found),
      namesake: this.#trust.corporate.some(({ subjectDer }) => sameBytes(subjectDer, certificate.subjectDer)),
      expired: certificate.notAfterMs < this.#parts.nowMs,
      ...{ sightings, sightingCount, hasPrivateKey },
      leaves: { count: 0, sightings: [] },
    };
  }

  async #signerOf(found: GatheredCertificate): Promise<Signer> {
    const { certificate } = found;
    const { signers, allTried } = await this.#signersOf(found);
    const groups = signers.map(({ members }) => members.find(isCa) ?? members[0]);
    const signer = groups.find((one) => one !== undefined && isCa(one)) ?? groups[0];
    if (signer === undefined) return { subject: certificate.issuer, found: allTried ? 'nowhere' : 'unchecked' };
    if (this.#trust.publicRoots.has(signer.sha256)) return { subject: signer.subject, found: 'public root' };
    return { subject: signer.subject, found: isCa(signer) ? 'found' : 'no CA' };
  }

  async #suspectSignerOf(
    leaf: GatheredCertificate,
    cas: ReadonlyMap<string, Rogue>,
  ): Promise<PathCertificate | undefined> {
    const { signers } = await this.#signersOf(leaf);
    for (const group of signers) {
      if (!this.#suspectOf.has(group)) {
        this.#suspectOf.set(
          group,
          group.members.find(({ sha256 }) => cas.has(sha256)),
        );
      }
      const suspect = this.#suspectOf.get(group);
      if (suspect !== undefined) return suspect;
    }
    return undefined;
  }

  /** Whoever signed it; nothing more is tried once one is found, for two keys do not make one signature. */
  async #signersOf(
    found: GatheredCertificate,
  ): Promise<{ readonly signers: readonly SameKey[]; readonly allTried: boolean }> {
    const { certificate } = found;
    const { namesakes, signatures } = this.#parts;
    const signers: SameKey[] = [];
    for (const group of namesakes.possibleSignersOf(certificate)) {
      if (signers[0] !== undefined && !sameBytes(signers[0].any.spki, group.any.spki)) continue;
      const signed = await signatures.made(certificate, group.any);
      if (signed === 'signed') signers.push(group);
      if (signed !== 'unchecked') continue;
      this.#unchecked.set(certificate.sha256, found);
      return { signers, allTried: false };
    }
    return { signers, allTried: true };
  }

  async #signedItself(certificate: PathCertificate): Promise<boolean> {
    return isSelfIssued(certificate) && (await this.#parts.signatures.made(certificate, certificate)) === 'signed';
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
