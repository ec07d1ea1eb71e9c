// One look for rogue CAs by a server: through its cluster and through files, held against the anchors that are in force. It runs in
// a thread of its own (look-thread.ts), so what goes in and comes out is plain data. It imports much because it names every step.
import { readBounded } from '../../adapters/files/certificate-files.ts';
import type { RogueLook } from '../../authority/estate/rogue-watch.ts';
import { formatQuantity } from '../../domain/text/format-count.ts';
import { fileProblem } from '../../domain/text/system-error.ts';
import { pathCertificatesOf } from '../../domain/x509/path/certificate.ts';
import { Gathered } from '../../review/rogue/gathered.ts';
import { judgeRogues } from '../../review/rogue/judge-rogues.ts';
import { rogueFindings } from '../../review/rogue/rogue-data.ts';
import type { Trust } from '../../review/rogue/trust.ts';
import { openApi } from '../doctor/open.ts';
import { lookInFiles } from './look-in-files.ts';
import { lookThrough, type LookedInCluster } from './look-through.ts';
import { publicRoots } from './public-roots.ts';
import { reportedLook, type ServerFindings } from './reported-look.ts';

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

/** Of a look that may take ten minutes: what was seen by then is judged. */
const SURVEY_WITHIN_MS = 6 * 60_000;
const MAX_KNOWN_BYTES = 1024 * 1024;

/** @throws Error in words for operators when it cannot look; the signal's reason. */
export async function lookThroughEstate(
  asked: AskedLook,
  environment: Readonly<Record<string, string | undefined>>,
  { signal }: Waits,
): Promise<RogueLook<ServerFindings>> {
  const { paths, nowMs } = asked;
  const known = await knownIn(asked);
  const gathered = new Gathered({ paths });
  const missed: string[] = [];
  const unlisted = (path: string, cause: unknown): void => {
    gathered.skip(path, fileProblem(cause));
    missed.push(`${path} ${fileProblem(cause)}`);
  };
  const beyond = (path: string, why: string): void => void missed.push(`${path} ${why}`);
  const files = paths.length === 0 ? undefined : await lookInFiles({ paths, unlisted, beyond }, gathered, { signal });
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
  const findings = rogueFindings(report, cluster?.issuers ?? [], lookedThrough);
  const leftOut = gathered.leftOut === 0 ? [] : [`${formatQuantity(gathered.leftOut, 'certificate')} had no room`];
  return reportedLook(findings, { missed: [...missed, ...(cluster?.missed ?? []), ...leftOut], paths });
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
  const settings = { eachNamespace: false, withinMs: SURVEY_WITHIN_MS, ...(!secrets && { without: ['secrets'] }) };
  return lookThrough(reached, gathered, settings, options);
}
