// What of a look for rogue CAs leaves its thread: bounded, whoever planted how much, for it is taken in where certificates are issued.
import type { RogueLook } from '../../authority/estate/rogue-watch.ts';
import type { RogueFacts } from '../../ports/platform/events.ts';
import { pathOfPart } from '../../review/rogue/found.ts';
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

/** @param missed what was to be looked at and could not be, each with why. */
export function reportedLook(
  { found, issuers, notRead, ...rest }: RogueFindings,
  missed: readonly string[] = [],
): RogueLook<ServerFindings> {
  const kept = issuers.slice(0, roomFor(issuers, found, MAX_FOUND));
  const reported = issuers.slice(0, roomFor(issuers, found, MAX_REPORTED));
  const all = [...issuers.map(issuerFacts), ...found.map(factsOf)];
  return {
    rogues: [...reported.map(issuerFacts), ...found.slice(0, MAX_REPORTED - reported.length).map(factsOf)],
    missed: { count: missed.length, first: missed.slice(0, MAX_MISSED).map(cut) },
    counts: countsOf(all),
    findings: {
      ...rest,
      found: found.slice(0, MAX_FOUND - kept.length).map(shortened),
      issuers: kept,
      notRead: notRead.slice(0, MAX_NOT_READ).map(({ why, count, examples }) => {
        return { why: cut(why), count, examples: examples.slice(0, MAX_EXAMPLES).map(cut) };
      }),
      hidden: Math.max(0, all.length - MAX_FOUND),
    },
  };
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

function shortened(data: RogueData): RogueData {
  const { subject, issuer, places, leaves, why } = data;
  return {
    ...data,
    ...{ subject: cut(subject), issuer: cut(issuer), why: why.slice(0, 2 * MAX_TEXT) },
    signer: data.signer && { ...data.signer, subject: cut(data.signer.subject) },
    places: places.slice(0, MAX_PLACES).map(shortPlace),
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
