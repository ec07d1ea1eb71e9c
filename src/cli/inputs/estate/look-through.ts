// Certificates of a cluster, for the finder of rogue CAs: what its API server lets this account read, and what it does not.
import { readFile } from 'node:fs/promises';
import type { Material } from '../../../adapters/kubernetes/api/access/api-access.ts';
import type { KubernetesApi } from '../../../adapters/kubernetes/api/kubernetes-api.ts';
import { clusterCas, EstateSurvey, SURVEYED_KINDS } from '../../../adapters/kubernetes/estate/survey.ts';
import { pathCertificatesOf, type PathCertificate } from '../../../domain/x509/path/certificate.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { SelfSigningIssuer } from '../../../review/rogue/found.ts';
import type { Gathered } from '../../../review/rogue/gathered.ts';
import type { Invocation } from '../../invocation.ts';
import { Progress } from '../../progress.ts';
import { ClusterLook } from './cluster-look.ts';

export interface LookedInCluster {
  /** Objects in which certificates may lie. */
  readonly objects: number;
  readonly issuers: readonly SelfSigningIssuer[];
  /** The cluster's own. */
  readonly clusterCas: readonly PathCertificate[];
}

export interface OpenedApi {
  readonly api: Pick<KubernetesApi, 'get' | 'pages' | 'create' | 'raw'>;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  /** By which the API server was verified. */
  readonly ca: Material | undefined;
  readonly namespaces: readonly string[] | undefined;
  readonly progress: boolean;
}

/** @throws KubernetesApiError when the API server cannot say which kinds it serves. */
export async function lookThrough(
  { api, clock, ca, namespaces, progress: lines }: OpenedApi,
  gathered: Gathered,
  { terminal, clock: wall, signal }: Pick<Invocation, 'terminal' | 'clock' | 'signal'>,
): Promise<LookedInCluster> {
  const own = await clusterCas(api, { signal });
  const connection = ca === undefined ? '' : 'text' in ca ? ca.text : await readFile(ca.file, 'utf8');
  // Whoever is sent here by a kubeconfig trusts its CA to speak for the cluster.
  if (connection === '') for (const { what, why } of own.unread) gathered.skip(what, why);
  const progress = new Progress({ terminal, clock: wall }, { what: 'kinds of objects', total: SURVEYED_KINDS, lines });
  const look = new ClusterLook(gathered);
  for await (const event of new EstateSurvey({ api, clock }, namespaces).events({ signal })) {
    if (event.type === 'progress') progress.reach(event.done);
    else look.take(event);
  }
  progress.end();
  const { objects, issuers } = look.end();
  return { objects, issuers, clusterCas: [connection, ...own.pems].flatMap(pathCertificatesOf) };
}
