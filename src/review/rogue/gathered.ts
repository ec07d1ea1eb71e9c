// What was found so far: each certificate once, with the places where it lies. Texts are let go as soon as they are read.
import { hash } from 'node:crypto';
import { isSelfIssued, readPathCertificate, type PathCertificate } from '../../domain/x509/path/certificate.ts';
import { formatCount } from '../../domain/text/format-count.ts';
import { certificatesIn } from './certificates-in.ts';
import { pathOfPart, type NotRead, type Place, type PlacePart, type Sighting } from './found.ts';
import { isCa } from './lineage.ts';
import { keysByText, shownKeys } from './private-keys.ts';

/** Different certificates; a parsed one takes some 10 kB. */
export const MAX_CERTIFICATES = 20_000;
/** Of these leaves: whoever may have any number of them issued leaves room for the CA that is looked for. */
export const MAX_LEAVES = 15_000;
/** Places that are kept of each certificate; more are counted. */
const MAX_SIGHTINGS = 20;
/** Names that are kept of what could not be read for one reason. */
const MAX_EXAMPLES = 100;
/** Keys that are remembered of one place. */
const MAX_KEYS = 100;

export interface GatheredCertificate {
  readonly certificate: PathCertificate;
  /** The first of them, in the order in which they were found. */
  readonly sightings: readonly Sighting[];
  readonly sightingCount: number;
  readonly hasPrivateKey: boolean;
}

interface Kept {
  readonly certificate: PathCertificate;
  readonly sightings: Sighting[];
  sightingCount: number;
  hasPrivateKey: boolean;
}

export class Gathered {
  readonly #certificates = new Map<string, Kept>();
  #leaves = 0;
  readonly #notRead = new Map<string, { count: number; readonly examples: string[] }>();

  get certificates(): readonly GatheredCertificate[] {
    return [...this.#certificates.values()];
  }

  get notRead(): readonly NotRead[] {
    return [...this.#notRead].map(([why, { count, examples }]) => ({ why, count, examples }));
  }

  /** Its texts are handed in one by one; what lies beside what is known at its end. */
  open(place: Place): OpenPlace {
    return new OpenPlace(place, this);
  }

  /** @param name of what was not looked at. @param why in words that follow it. */
  skip(name: string, why: string): void {
    const known = this.#notRead.get(why) ?? { count: 0, examples: [] };
    known.count += 1;
    if (known.examples.length < MAX_EXAMPLES) known.examples.push(name);
    this.#notRead.set(why, known);
  }

  /** @returns what says where a private key lies with it, once that is known. */
  add(der: Uint8Array, sighting: Sighting): (privateKey: string) => void {
    const kept = this.#keep(der, placeName(sighting));
    if (kept === undefined) return () => undefined;
    kept.sightingCount += 1;
    const at = kept.sightings.length;
    if (at < MAX_SIGHTINGS) kept.sightings.push(sighting);
    return (privateKey) => {
      kept.hasPrivateKey = true;
      if (at < MAX_SIGHTINGS) kept.sightings[at] = { ...sighting, privateKey };
    };
  }

  #keep(der: Uint8Array, name: string): Kept | undefined {
    const digest = hash('sha256', der, 'hex');
    const known = this.#certificates.get(digest);
    if (known !== undefined) return known;
    const certificate = readPathCertificate(der);
    if ('problem' in certificate) {
      this.skip(name, certificate.problem);
      return undefined;
    }
    const isLeaf = !isCa(certificate) && !isSelfIssued(certificate);
    if (isLeaf && this.#leaves >= MAX_LEAVES) {
      this.skip(name, `has a leaf beyond the first ${formatCount(MAX_LEAVES)} different ones`);
      return undefined;
    }
    if (this.#certificates.size >= MAX_CERTIFICATES) {
      this.skip(name, `has a certificate beyond the first ${formatCount(MAX_CERTIFICATES)} different ones`);
      return undefined;
    }
    if (isLeaf) this.#leaves += 1;
    const kept = { certificate, sightings: [], sightingCount: 0, hasPrivateKey: false };
    this.#certificates.set(digest, kept);
    return kept;
  }
}

/** A place whose texts are being read: `add` each, then `end`. No bytes are kept until then. */
export class OpenPlace {
  readonly #place: Place;
  readonly #gathered: Gathered;
  /** By text. */
  readonly #firsts = new Map<string, (privateKey: string) => void>();
  readonly #keys: string[] = [];

  constructor(place: Place, gathered: Gathered) {
    this.#place = place;
    this.#gathered = gathered;
  }

  add({ name: part, bytes }: PlacePart): void {
    const place = this.#place;
    const { certificates, hasPrivateKey, unread } = certificatesIn(bytes);
    if (hasPrivateKey && this.#keys.length < MAX_KEYS) this.#keys.push(part);
    for (const why of unread) this.#gathered.skip(placeName({ place, part }), why);
    for (const { der, line } of certificates) {
      const foundKey = this.#gathered.add(der, { place, part, ...(line !== undefined && { line }) });
      // TLS peers take the first certificate of a text for the one of the key (RFC 8446 section 4.4.2).
      if (!this.#firsts.has(part)) this.#firsts.set(part, foundKey);
    }
  }

  end(): void {
    if (this.#keys.length === 0) return;
    const keysOf = keysByText([...this.#firsts.keys()], this.#keys);
    for (const [part, foundKey] of this.#firsts) {
      const keys = keysOf(part);
      if (keys.length > 0) foundKey(shownKeys(keys.map((key) => (key === part ? 'in the same text' : key))));
    }
  }
}

/** @returns where it was seen, as `pathOfPart` says it. */
export function placeName({ place, part }: Pick<Sighting, 'place' | 'part'>): string {
  return pathOfPart(place.kind, place.name, part);
}
