// Who may ask for the certificates of others: node proxies, for the pods of their node, in each cluster that is known.
import type { KnownCluster } from '../../../adapters/kubernetes/clusters/known-clusters.ts';
import { apiNodePods } from '../../../adapters/kubernetes/workloads/api-node-pods.ts';
import { NodePodLookups } from '../../../authority/surface/node-pod-lookups.ts';
import { NodeProof } from '../../../authority/surface/node-proof.ts';
import type { Config } from '../../../config/schema.ts';
import { namesTrustDomain } from '../../../domain/policy/evaluation/named-trust-domains.ts';
import type { PolicySource } from '../../../ports/policy/policy-source.ts';
import { processCountOf } from '../../process-count.ts';
import type { Foundation } from '../foundation.ts';
import type { Kubernetes } from './kubernetes.ts';

interface Former {
  readonly kubernetes: Kubernetes | undefined;
  readonly policies: PolicySource;
}

/** @returns nothing where no API server is asked, or no account is trusted. */
export function composeNodeProof(
  config: Config,
  { clock, startUp, worker, running: signal }: Foundation,
  { kubernetes, policies }: Former,
): NodeProof | undefined {
  const { trustedNodeAccounts, watchLag: watchLagMs } = config.cluster.kubernetes;
  if (kubernetes === undefined || trustedNodeAccounts.length === 0) return undefined;
  const { clusters } = kubernetes;
  const processes = worker === undefined ? 1 : processCountOf(config);
  const lookups = new WeakMap<KnownCluster, NodePodLookups>();
  const lookupsOf = (known: KnownCluster): NodePodLookups => {
    const made = lookups.get(known) ?? new NodePodLookups(apiNodePods(known.api), clock, processes);
    lookups.set(known, made);
    return made;
  };
  const proof = new NodeProof(
    {
      clusterOf: ({ remoteCluster }) => {
        const known = clusters.of(remoteCluster);
        return known && { directory: known.workloads, lookups: lookupsOf(known) };
      },
      isAlias: (identity) => namesTrustDomain(policies.current(), identity),
      clock,
    },
    { trustedAccounts: new Set(trustedNodeAccounts), watchLagMs },
  );
  startUp.at('load', () => {
    for (const known of clusters.all()) proof.follow(known.workloads, { signal: known.signal });
    clusters.onAdded((known) => proof.follow(known.workloads, { signal: known.signal }), { signal });
  });
  return proof;
}
