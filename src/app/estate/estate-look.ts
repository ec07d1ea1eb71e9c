// One look for rogue CAs by a server: through its cluster and through files, held against the anchors that are in force. It runs in
// a thread of its own (look-thread.ts), so what goes in and comes out is plain data.
import { readBounded } from '../../adapters/files/certificate-files.ts';
import type { RogueLook } from '../../authority/estate/rogue-watch.ts';
import { formatQuantity } from '../../domain/text/format-count.ts';
import { fileProblem } from '../../domain/text/system-error.ts';
import { pathCertificatesOf } from '../../domain/x509/path/certificate.ts';
import type { RogueFacts } from '../../ports/platform/events.ts';
import { Gathered } from '../../review/rogue/gathered.ts';
import { judgeRogues } from '../../review/rogue/judge-rogues.ts';
import {
  FOUND_KINDS,
  rogueFindings,
  type FoundKind,
  type IssuerData,
  type PlaceData,
  type RogueData,
  type RogueFindings,
} from '../../review/rogue/rogue-data.ts';
import type { Trust } from '../../review/rogue/trust.ts';
import { openApi } from '../doctor/open.ts';
import { lookInFiles } from './look-in-files.ts';
import { lookThrough, type LookedInCluster } from './look-through.ts';
import { publicRoots } from './public-roots.ts';

export interface AskedLook {
  /** PEM of the corporate anchors, and of what signs below them now. */
  readonly corporate: string;
  /** PEM of the anchors of other trust domains, whose callers are taken. */
  readonly federated: string;
  readonly knownFile?: string;
  readonly paths: readonly string[];
  /** Absent: it looks in no cluster. */
  readonly cluster?: {
    readonly secrets: boolean;
    /** Absent: as the service account of the pod. */
    readonly kubeconfig?: string;
    readonly context?: string;
  };
  readonly nowMs: number;
}

type Waits = { readonly signal: AbortSignal };

/** What one answer holds, some megabytes at the very most: it is taken in where certificates are issued. What is beyond is counted. */
export const MAX_FOUND = 200;
/** Those of which the log tells by name. */
const MAX_TOLD = 1_000;
const MAX_PLACES = 5;
const MAX_NOT_READ = 100;
const MAX_EXAMPLES = 20;
/** Characters of what others named. */
const MAX_TEXT = 500;
const MAX_KNOWN_BYTES = 1024 * 1024;

export interface ServerFindings extends RogueFindings {
  /** What was found beyond `MAX_FOUND`. */
  readonly hidden: number;
}

/** @throws Error in words for operators when it cannot look; the signal's reason. */
export async function lookThroughEstate(
  asked: AskedLook,
  environment: Readonly<Record<string, string | undefined>>,
  { signal }: Waits,
): Promise<RogueLook<ServerFindings>> {
  const { paths, nowMs } = asked;
  const known = await knownIn(asked);
  const gathered = new Gathered();
  const unlisted = (path: string, cause: unknown): void => gathered.skip(path, fileProblem(cause));
  const files = paths.length === 0 ? undefined : await lookInFiles({ paths, unlisted }, gathered, { signal });
  const cluster = await inCluster(asked, environment, gathered, { signal });
  const trust: Trust = {
    corporate: pathCertificatesOf(asked.corporate),
    others: [
      ...known.map((certificate) => ({ certificate, as: 'known' as const })),
      ...(cluster?.clusterCas ?? []).map((certificate) => ({ certificate, as: 'cluster' as const })),
    ],
    publicRoots: publicRoots(),
  };
  const report = await judgeRogues(gathered, trust, { nowMs, signal });
  const lookedThrough = [
    ...(files === undefined ? [] : [formatQuantity(files, 'file')]),
    ...(cluster === undefined ? [] : [formatQuantity(cluster.objects, 'object')]),
  ];
  return toldOf(rogueFindings(report, cluster?.issuers ?? [], lookedThrough));
}

async function knownIn({ knownFile, federated }: AskedLook): Promise<Trust['corporate']> {
  if (knownFile === undefined) return pathCertificatesOf(federated);
  const bytes = await readBounded(knownFile, MAX_KNOWN_BYTES, true);
  // To go on without them would report what an operator knows.
  if ('problem' in bytes) throw new Error(`rogue.knownFile ${knownFile} ${bytes.problem}`);
  const certificates = pathCertificatesOf(Buffer.from(bytes).toString('latin1'));
  if (certificates.length === 0) throw new Error(`rogue.knownFile ${knownFile} holds no certificate`);
  return [...certificates, ...pathCertificatesOf(federated)];
}

async function inCluster(
  { cluster }: AskedLook,
  environment: Readonly<Record<string, string | undefined>>,
  gathered: Gathered,
  options: Waits,
): Promise<LookedInCluster | undefined> {
  if (cluster === undefined) return undefined;
  const { secrets, kubeconfig, context } = cluster;
  const reached = await openApi(
    { environment, ...(kubeconfig && { kubeconfig: [kubeconfig] }), ...(context !== undefined && { context }) },
    options,
  );
  const settings = { eachNamespace: false, ...(!secrets && { without: ['secrets'] }) };
  return lookThrough(reached, gathered, settings, options);
}

/** What is kept and told of it, whoever planted how much. */
function toldOf({ found, issuers, notRead, ...rest }: RogueFindings): RogueLook<ServerFindings> {
  const kept = issuers.slice(0, MAX_FOUND);
  const all = [...issuers.map(issuerFacts), ...found.map(factsOf)];
  return {
    rogues: all.slice(0, MAX_TOLD),
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
    place: first === undefined ? '' : cut(`${first.place} ${first.part}`.trim()),
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
