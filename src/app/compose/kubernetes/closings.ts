// Identities whose pods are gone, put on record for each cluster that is known.
import type { KnownCluster } from '../../../adapters/kubernetes/clusters/known-clusters.ts';
import { closeIdentities } from '../../../authority/chores/closing/close-identities.ts';
import type { Config } from '../../../config/schema.ts';
import { namedTrustDomains } from '../../../domain/policy/evaluation/named-trust-domains.ts';
import type { PolicySource } from '../../../ports/policy/policy-source.ts';
import type { Foundation } from '../foundation.ts';
import type { Storage } from '../storage.ts';
import type { Kubernetes } from './kubernetes.ts';

interface Former {
  readonly kubernetes: Pick<Kubernetes, 'clusters'> | undefined;
  readonly storage: Pick<Storage, 'closings' | 'lease'>;
  readonly policies: PolicySource;
}

/** Does nothing where no API server is configured, or another process of this server does it. */
export function composeClosings(
  { trustDomain, lifetimes }: Pick<Config, 'trustDomain' | 'lifetimes'>,
  { clock, events, startUp, running }: Pick<Foundation, 'clock' | 'events' | 'startUp' | 'running'>,
  { kubernetes, storage: { closings, lease }, policies }: Former,
): void {
  if (kubernetes === undefined || closings === undefined) return;
  const { clusters } = kubernetes;
  const trustDomainsOf = (namespace: string): readonly string[] => [
    ...new Set([trustDomain, ...namedTrustDomains(policies.current(), namespace)]),
  ];
  const follow = (cluster: KnownCluster): void => {
    const remote = cluster === clusters.own ? {} : { remoteCluster: cluster.id };
    const parts = { ...closings, workloads: cluster.workloads, lease, clock, events };
    const settings = { cluster: cluster.id, ...remote, trustDomainsOf, longestLeafMs: lifetimes.max };
    const signal = AbortSignal.any([running, cluster.signal]);
    void closeIdentities(parts, settings, { signal }).catch((cause: unknown) =>
      events.unexpected({ where: 'closing of identities', cause }),
    );
  };
  startUp.at('listen', () => {
    clusters.all().forEach(follow);
    clusters.onAdded(follow, { signal: running });
  });
}
