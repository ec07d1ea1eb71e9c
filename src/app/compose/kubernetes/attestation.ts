// Who a caller of a cluster is, and whether it is still there: for each cluster the keys of its API server, what that says of
// tokens, and the workloads that are seen in it.
import {
  clusterVerifier,
  type ClusterVerifierSettings,
} from '../../../adapters/credentials/tokens/clusters/cluster-verifier.ts';
import { ClusterKeys } from '../../../adapters/credentials/tokens/clusters/cluster-keys.ts';
import type { ClustersVerifierParts } from '../../../adapters/credentials/tokens/clusters/clusters-verifier.ts';
import { ReviewedTokens } from '../../../adapters/credentials/tokens/clusters/reviewed-tokens.ts';
import type { TokenVerifier } from '../../../adapters/credentials/tokens/token-verifier.ts';
import { AttestedKnownClusters } from '../../../adapters/kubernetes/clusters/attested-clusters.ts';
import type { KnownCluster, KnownClusters } from '../../../adapters/kubernetes/clusters/known-clusters.ts';
import { ApiTokenKeys, type KeysFile } from '../../../adapters/kubernetes/reviews/api-token-keys.ts';
import { ApiTokenReviews } from '../../../adapters/kubernetes/reviews/api-token-reviews.ts';
import { readIfThere, replaceFile } from '../../../durable/replace-file.ts';
import type { Attestation } from '../../../authority/attestation/attestation.ts';
import { WorkloadAttestation } from '../../../authority/attestation/workload-attestation.ts';
import type { Config } from '../../../config/schema.ts';
import { degradedBy } from '../../../ports/platform/health.ts';
import { processCountOf } from '../../process-count.ts';
import type { Foundation } from '../foundation.ts';

/** A set of a hundred RSA 4096 keys takes about 80 KiB. */
const MAX_KEYS_FILE_BYTES = 1024 * 1024;

export interface ClusterAttestation {
  readonly attestation: Attestation;
  readonly clusters: ClustersVerifierParts['clusters'];
  /** Why tokens of a cluster cannot be judged by keys now. */
  problems(): readonly string[];
  /** Whether callers of the own cluster are believed although nothing could be read of it since the start. */
  readonly seenBeforeStart: boolean;
  /** Takes what was kept of before, and begins to ask: no start waits for an API server. */
  start(): Promise<void>;
}

type Foundations = Pick<Foundation, 'clock' | 'events' | 'health' | 'worker' | 'running'>;

interface Verifying {
  readonly keys: ClusterKeys;
  readonly reviews: ReviewedTokens;
  readonly verifier: TokenVerifier;
  readonly issuer: string | undefined;
}

export function composeAttestation(
  config: Config,
  foundation: Foundations,
  clusters: KnownClusters,
): ClusterAttestation {
  const { clock, health, running: signal } = foundation;
  const { aliases } = config.cluster.kubernetes.tokens;
  const own = verifying(config, foundation, clusters.own, {});
  /** By id; a cluster that is no longer known takes its entry along. */
  const others = new Map<string, Verifying>();
  clusters.onAdded(
    (cluster) => {
      const other = verifying(config, foundation, cluster, { remoteCluster: cluster.id });
      others.set(cluster.id, other);
      cluster.signal.addEventListener('abort', () => others.get(cluster.id) === other && others.delete(cluster.id), {
        once: true,
      });
      void other.keys.start({ signal: AbortSignal.any([signal, cluster.signal]) });
    },
    { signal },
  );
  /** A cluster that has an alias of the own one for its id is meant by it. */
  const byId = (id: string | undefined): Verifying | undefined => {
    if (id === undefined || id === clusters.own.id) return own;
    return others.get(id) ?? (aliases.includes(id) ? own : undefined);
  };
  const seenBeforeStartMs = (id: string): number | undefined => byId(id)?.keys.seenBeforeStartMs();
  const attested = new AttestedKnownClusters({ clusters, seenBeforeStartMs });
  const attestation = new WorkloadAttestation({ clusters: attested, clock });
  attestation.start({ signal });
  const all = (): readonly Verifying[] => [own, ...others.values()];
  health.report('token reviews', () => degradedBy(all().find(({ reviews }) => reviews.problem)?.reviews.problem));
  return {
    attestation,
    clusters: { byId, all },
    problems: () => all().flatMap(({ keys }) => keys.problem() ?? []),
    get seenBeforeStart() {
      return own.keys.seenBeforeStartMs() !== undefined;
    },
    start: async () => own.keys.start({ signal }),
  };
}

function verifying(
  config: Config,
  { clock, events, worker }: Foundations,
  { id, api }: KnownCluster,
  of: ClusterVerifierSettings['cluster'],
): Verifying {
  const { trustDomain } = config;
  const { tokens, staleAfter: staleAfterMs } = config.cluster.kubernetes;
  const { audiences, review, unbound, keysFile, reviewsPerSecond, reviewBurst } = tokens;
  const path = keysFile === undefined || of.remoteCluster === undefined ? keysFile : `${keysFile}.${id}`;
  const file = path === undefined ? undefined : keysFileAt(path, worker === undefined || worker.slot === 1);
  const onFileProblem = (problem: string): void => events.reloadFailed({ source: 'token-keys', problem });
  const documents = new ApiTokenKeys({ api, clock, onFileProblem, ...(file !== undefined && { file }) });
  const keys = new ClusterKeys({ clock, events, documents }, { cluster: id, staleAfterMs });
  const share = worker === undefined ? 1 : processCountOf(config);
  const reviews = new ReviewedTokens(
    { clock, events, reviews: new ApiTokenReviews(api, { audiences }) },
    { perSecond: reviewsPerSecond / share, burst: Math.max(1, Math.floor(reviewBurst / share)) },
  );
  const settings = { audiences, review, unbound, cluster: of };
  return {
    keys,
    reviews,
    verifier: clusterVerifier({ clock, trustDomain, keys, reviews }, settings),
    get issuer() {
      return keys.issuer;
    },
  };
}

/** All workers read it, and one writes it. */
function keysFileAt(path: string, writes: boolean): KeysFile {
  return {
    read: async () => readIfThere(path, MAX_KEYS_FILE_BYTES),
    write: async (text) => (writes ? replaceFile(path, text) : undefined),
  };
}
