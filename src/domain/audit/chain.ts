// The journal as chains of digests: each record is linked to the one before it, so that none can be changed, removed, moved or
// added without every digest after it changing too. A chain has one writer and one kind of record. Whoever can write the
// journal can compute all of it anew: only a head that was signed, or seen elsewhere, says that nobody did.
import { hash } from 'node:crypto';
import { canonicalJson } from '../text/canonical-json.ts';

export const CHAIN_KINDS = ['decision', 'operation', 'closing'] as const;
/** What is recorded. */
export type ChainKind = (typeof CHAIN_KINDS)[number];

/** A place in a chain, and all that is before it. */
export interface ChainPoint {
  /** Of a link, from 1 without gaps; 0 is the opening. */
  readonly sequence: number;
  /** SHA-256 in lower-case hex. */
  readonly digest: string;
}

export interface ChainOpening {
  /** Random, so it names one chain wherever that is. */
  readonly chain: string;
  readonly kind: ChainKind;
  /** Who opened it, as operators call the server. */
  readonly server: string;
  /** Milliseconds since the epoch. */
  readonly openedMs: number;
  /**
   * Where its writer had come to in an earlier chain. That one may go on a little: what was sent to a database which did not
   * answer any more may have been written.
   */
  readonly follows?: { readonly chain: string } & ChainPoint;
}

/** What is linked: `record` has the journal's field names, and what is absent from it is left out. */
export interface Link {
  readonly chain: string;
  readonly kind: ChainKind;
  readonly sequence: number;
  readonly record: object;
}

/** @returns the point before the first link: the SHA-256 of the opening in its canonical spelling (RFC 8785). */
export function openingPoint(opening: ChainOpening): ChainPoint {
  return { sequence: 0, digest: hash('sha256', canonicalJson(opening)) };
}

/**
 * The SHA-256 of the digest before, as its 64 hex digits, and the link in its canonical spelling: what
 * `printf '%s%s' "$previous" "$link" | sha256sum` gives. An opening begins with a brace and so is never taken for a link.
 * @param previous of the link before, or of the opening.
 * @throws TypeError for a record that JSON cannot say.
 */
export function linkDigest(previous: string, { chain, kind, sequence, record }: Link): string {
  return hash('sha256', previous + canonicalJson({ chain, kind, record, sequence }));
}

/**
 * @param records to follow in their order.
 * @returns the point of each.
 * @throws TypeError as `linkDigest`.
 */
export function linked(
  { chain, kind }: Pick<ChainOpening, 'chain' | 'kind'>,
  after: ChainPoint,
  records: readonly object[],
): readonly ChainPoint[] {
  let { sequence, digest } = after;
  return records.map((record) => {
    sequence += 1;
    digest = linkDigest(digest, { chain, kind, sequence, record });
    return { sequence, digest };
  });
}
