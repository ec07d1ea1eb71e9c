// What of a look for rogue CAs leaves its thread: bounded, whoever planted how much, for it is taken in where certificates are issued.
import type { RogueLook } from '../../authority/estate/rogue-watch.ts';
import { sharedOut } from '../../domain/bounded/shared-out.ts';
import type { RogueFacts } from '../../ports/platform/events.ts';
import { namespaceIn, pathOfPart, shareOf } from '../../review/rogue/found.ts';
import {
  FOUND_KINDS,
  type FoundKind,
  type IssuerData,
  type PlaceData,
  type RogueData,
  type RogueFindings,
} from '../../review/rogue/rogue-data.ts';

/** What one answer holds, some megabytes at the very most. What is beyond is counted. */
export const MAX_FOUND = 200;
/** Those of which the log tells by name. */
const MAX_REPORTED = 1_000;
const MAX_PLACES = 5;
const MAX_NOT_READ = 100;
const MAX_EXAMPLES = 20;
/** Of what could not be looked at. */
const MAX_MISSED = 3;
/** Characters of what others named. */
const MAX_TEXT = 500;

export interface ServerFindings extends RogueFindings {
  /** What was found beyond `MAX_FOUND`. */
  readonly hidden: number;
}

/** @param missed what was to be looked at and could not be, each with why. @param paths that were named to be looked in. */
export function reportedLook(
  { found, issuers, notRead, ...rest }: RogueFindings,
  { missed = [], paths = [] }: { readonly missed?: readonly string[]; readonly paths?: readonly string[] } = {},
): RogueLook<ServerFindings> {
  const shareOfFound = sharesOf(found, paths);
  const most = (limit: number) => {
    const ofIssuers = sharedOut(issuers, ({ name }) => namespaceIn(name), roomFor(issuers, found, limit));
    return { issuers: ofIssuers, found: sharedOut(found, shareOfFound, limit - ofIssuers.length) };
  };
  const [kept, reported] = [most(MAX_FOUND), most(MAX_REPORTED)];
  const all = [...issuers.map(issuerFacts), ...found.map(factsOf)];
  return {
    rogues: [...reported.issuers.map(issuerFacts), ...reported.found.map(factsOf)],
    missed: { count: missed.length, first: missed.slice(0, MAX_MISSED).map(cut) },
    counts: countsOf(all),
    findings: {
      ...rest,
      found: kept.found.map((data) => shortened(data, paths)),
      issuers: kept.issuers,
      notRead: notRead.slice(0, MAX_NOT_READ).map(({ why, count, examples }) => {
        return { why: cut(why), count, examples: examples.slice(0, MAX_EXAMPLES).map(cut) };
      }),
      hidden: Math.max(0, all.length - MAX_FOUND),
    },
  };
}

/**
 * What lies in several shares counts for the one in which least was found: who lays copies of another's CA beside thousands of his own
 * does not hide it.
 */
function sharesOf(found: readonly RogueData[], paths: readonly string[]): (data: RogueData) => string {
  const sharesIn = ({ places, leaves }: RogueData): readonly string[] => [
    ...new Set([...places, ...leaves.places].map(({ kind, place: name }) => shareOf({ kind, name }, paths))),
  ];
  const counts = new Map<string, number>();
  for (const data of found) for (const share of sharesIn(data)) counts.set(share, (counts.get(share) ?? 0) + 1);
  const countOf = (share: string): number => counts.get(share) ?? 0;
  return (data) =>
    sharesIn(data)
      .toSorted((one, other) => countOf(one) - countOf(other))
      .at(0) ?? '';
}

/** Half at least is left to the others: whoever may make issuers of cert-manager, or plant certificates, hides none of the other kind. */
function roomFor(issuers: readonly unknown[], found: readonly unknown[], most: number): number {
  return Math.min(issuers.length, Math.max(most / 2, most - found.length));
}

/** Of what is still valid; every kind is there, so that one that is gone shows as none. */
function countsOf(all: readonly RogueFacts[]): Readonly<Record<string, number>> {
  const counts = Object.fromEntries(FOUND_KINDS.map((kind) => [kind, 0]));
  for (const { kind, expired } of all) if (!expired) counts[kind] = (counts[kind] ?? 0) + 1;
  return counts;
}

function shortened(data: RogueData, paths: readonly string[]): RogueData {
  const { subject, issuer, places, leaves, why } = data;
  return {
    ...data,
    ...{ subject: cut(subject), issuer: cut(issuer), why: why.slice(0, 2 * MAX_TEXT) },
    signer: data.signer && { ...data.signer, subject: cut(data.signer.subject) },
    places: sharedOut(places, ({ kind, place: name }) => shareOf({ kind, name }, paths), MAX_PLACES).map(shortPlace),
    leaves: { count: leaves.count, places: leaves.places.map(shortPlace) },
  };
}

function shortPlace({ place, part, ...rest }: PlaceData): PlaceData {
  return { ...rest, place: cut(place), part: cut(part) };
}

function factsOf({ id, subject, sha256, places, privateKey, severity }: RogueData): RogueFacts {
  const [first] = places;
  return {
    ...{ kind: kindOf(id), name: cut(subject), sha256, privateKey },
    place: first === undefined ? '' : cut(pathOfPart(first.kind, first.place, first.part)),
    expired: severity !== 'error',
  };
}

function issuerFacts({ id, name }: IssuerData): RogueFacts {
  return { kind: kindOf(id), name, place: name, privateKey: false, expired: false };
}

function kindOf(id: RogueData['id'] | IssuerData['id']): FoundKind {
  return id.replace('rogue/', '') as FoundKind;
}

function cut(text: string): string {
  return text.length <= MAX_TEXT ? text : `${text.slice(0, MAX_TEXT)}…`;
}
