// What was found so far: each certificate once, with the places where it lies. Texts are let go as soon as they are read. Where there
// is no more room, whoever has most of it gives way: no namespace hides what lies in another by filling it.
import { hash } from 'node:crypto';
import { Places } from '../../domain/bounded/places.ts';
import { isSelfIssued, readPathCertificate, type PathCertificate } from '../../domain/x509/path/certificate.ts';
import { formatCount } from '../../domain/text/format-count.ts';
import { certificatesIn } from './certificates-in.ts';
import { pathOfPart, shareOf, type NotRead, type Place, type PlacePart, type Sighting } from './found.ts';
import { isCa } from './lineage.ts';
import { keysByText, shownKeys } from './private-keys.ts';

/** Different certificates; a parsed one takes some 10 kB. */
export const MAX_CERTIFICATES = 20_000;
/** Of these leaves: whoever may have any number of them issued leaves room for the CA that is looked for. CAs leave leaves as much. */
export const MAX_LEAVES = 15_000;
const KEPT_FREE = MAX_CERTIFICATES - MAX_LEAVES;
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
  readonly isLeaf: boolean;
  share: string;
  readonly sightings: Sighting[];
  sightingCount: number;
  hasPrivateKey: boolean;
}

export class Gathered {
  readonly #paths: readonly string[];
  readonly #certificates = new Map<string, Kept>();
  /** By SHA-256, each with the share that has it. */
  readonly #leaves = new Places<string>();
  readonly #others = new Places<string>();
  readonly #notRead = new Map<string, { count: number; readonly examples: string[] }>();
  #leftOut = 0;

  /** @param settings.paths of files and directories that were named: see `shareOf`. */
  constructor({ paths }: { readonly paths: readonly string[] } = { paths: [] }) {
    this.#paths = paths;
  }

  get certificates(): readonly GatheredCertificate[] {
    return [...this.#certificates.values()];
  }

  get notRead(): readonly NotRead[] {
    return [...this.#notRead].map(([why, { count, examples }]) => ({ why, count, examples }));
  }

  /** Different certificates for which there was no room. */
  get leftOut(): number {
    return this.#leftOut;
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
    const share = shareOf(sighting.place, this.#paths);
    const kept = this.#keep(der, share, placeName(sighting));
    if (kept === undefined) return () => undefined;
    kept.sightingCount += 1;
    const at = this.#sightingAt(kept, share);
    if (at === undefined) return () => (kept.hasPrivateKey = true);
    kept.sightings[at] = sighting;
    return (privateKey) => {
      kept.hasPrivateKey = true;
      if (kept.sightings[at] === sighting) kept.sightings[at] = { ...sighting, privateKey };
    };
  }

  /** @returns where it is kept: once all are, the first of each share still is, and one of those that have several gives way. */
  #sightingAt({ sightings }: Kept, share: string): number | undefined {
    if (sightings.length < MAX_SIGHTINGS) return sightings.length;
    const shares = sightings.map(({ place }) => shareOf(place, this.#paths));
    if (shares.includes(share)) return undefined;
    const spare = shares.findLastIndex((one, at) => shares.indexOf(one) !== at);
    return spare === -1 ? undefined : spare;
  }

  #keep(der: Uint8Array, share: string, name: string): Kept | undefined {
    const digest = hash('sha256', der, 'hex');
    const known = this.#certificates.get(digest);
    if (known !== undefined) {
      this.#passOn(digest, known, share);
      return known;
    }
    const certificate = readPathCertificate(der);
    if ('problem' in certificate) {
      this.skip(name, certificate.problem);
      return undefined;
    }
    const isLeaf = !isCa(certificate) && !isSelfIssued(certificate);
    if (!this.#makeRoom(isLeaf, share)) {
      this.#leaveOut(name, isLeaf);
      return undefined;
    }
    const kept = { certificate, isLeaf, share, sightings: [], sightingCount: 0, hasPrivateKey: false };
    this.#certificates.set(digest, kept);
    this.#places(isLeaf).add(share, digest);
    return kept;
  }

  /** What lies in several shares counts for the one that has least: nobody has what is another's left out with his own. */
  #passOn(digest: string, kept: Kept, share: string): void {
    const places = this.#places(kept.isLeaf);
    if (share === kept.share || places.heldBy(share) + 1 >= places.heldBy(kept.share)) return;
    places.remove(kept.share, digest);
    places.add(share, digest);
    kept.share = share;
  }

  #makeRoom(isLeaf: boolean, share: string): boolean {
    const isFull = this.#certificates.size >= MAX_CERTIFICATES;
    if (!isFull && (!isLeaf || this.#leaves.size < MAX_LEAVES)) return true;
    const [own, other] = isLeaf ? [this.#leaves, this.#others] : [this.#others, this.#leaves];
    const ofOthers = isFull && own.size < KEPT_FREE;
    const from = ofOthers ? other : own;
    const owner = from.largestOwner();
    if (owner === undefined || (!ofOthers && from.heldBy(owner) <= own.heldBy(share) + 1)) return false;
    this.#end(owner, from.oldestOf(owner), from);
    return true;
  }

  #end(owner: string, digest: string | undefined, from: Places<string>): void {
    const kept = digest === undefined ? undefined : this.#certificates.get(digest);
    if (digest === undefined || kept === undefined) return;
    from.remove(owner, digest);
    this.#certificates.delete(digest);
    this.#leaveOut(kept.sightings.slice(0, 1).map(placeName).join(''), kept.isLeaf);
  }

  #leaveOut(name: string, isLeaf: boolean): void {
    this.#leftOut += 1;
    const [most, what] = isLeaf ? [MAX_LEAVES, 'a leaf'] : [MAX_CERTIFICATES, 'a certificate'];
    this.skip(name, `has ${what} that was left out: there are more than ${formatCount(most)} different ones`);
  }

  #places(isLeaf: boolean): Places<string> {
    return isLeaf ? this.#leaves : this.#others;
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
