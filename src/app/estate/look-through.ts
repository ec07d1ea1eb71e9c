// Certificates of a cluster, for the finder of rogue CAs: what its API server lets this account read, and what it does not.
import { readFile } from 'node:fs/promises';
import type { Material } from '../../adapters/kubernetes/api/access/api-access.ts';
import type { KubernetesApi } from '../../adapters/kubernetes/api/kubernetes-api.ts';
import { clusterCas, EstateSurvey, type Surveyed } from '../../adapters/kubernetes/estate/survey.ts';
import { pathCertificatesOf, type PathCertificate } from '../../domain/x509/path/certificate.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { SelfSigningIssuer } from '../../review/rogue/found.ts';
import type { Gathered } from '../../review/rogue/gathered.ts';
import { ClusterLook } from './cluster-look.ts';

export interface LookedInCluster {
  /** Objects in which certificates may lie. */
  readonly objects: number;
  readonly issuers: readonly SelfSigningIssuer[];
  /** What was to be listed and was not, or not to its end, each with why. */
  readonly missed: readonly string[];
  /** The cluster's own. */
  readonly clusterCas: readonly PathCertificate[];
}

export interface ReachedCluster {
  readonly api: Pick<KubernetesApi, 'get' | 'pages' | 'create' | 'raw'>;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  /** By which the API server was verified. */
  readonly ca: Material | undefined;
}

export interface LookSettings extends Surveyed {
  /** Told of so many kinds of objects, of `SURVEYED_KINDS`, that are done. */
  readonly progress?: (done: number) => void;
}

/** @throws KubernetesApiError when the API server cannot say which kinds it serves; the signal's reason. */
export async function lookThrough(
  { api, clock, ca }: ReachedCluster,
  gathered: Gathered,
  { progress, ...surveyed }: LookSettings,
  { signal }: { readonly signal: AbortSignal },
): Promise<LookedInCluster> {
  const own = await clusterCas(api, { signal });
  const connection = ca === undefined ? '' : 'text' in ca ? ca.text : await readFile(ca.file, 'utf8');
  // Whoever is sent here by a kubeconfig trusts its CA to speak for the cluster.
  if (connection === '') for (const { what, why } of own.unread) gathered.skip(what, why);
  const look = new ClusterLook(gathered);
  for await (const event of new EstateSurvey({ api, clock }, surveyed).events({ signal })) {
    if (event.type === 'progress') progress?.(event.done);
    else look.take(event);
  }
  return { ...look.end(), clusterCas: [connection, ...own.pems].flatMap(pathCertificatesOf) };
}
