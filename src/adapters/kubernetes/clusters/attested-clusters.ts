// The clusters as whoever asks for a caller's workload sees them: each with what was heard of it before this start.
import type { AttestedCluster, AttestedClusters } from '../../../ports/cluster/attested-clusters.ts';
import type { Gone } from '../../../ports/cluster/workload-directory.ts';
import type { KnownCluster, KnownClusters } from './known-clusters.ts';

export interface AttestedKnownClustersParts {
  readonly clusters: KnownClusters;
  /** As `AttestedCluster.seenBeforeStartMs`, by the cluster's id. */
  readonly seenBeforeStartMs: (id: string) => number | undefined;
}

export class AttestedKnownClusters implements AttestedClusters {
  readonly #parts: AttestedKnownClustersParts;

  constructor(parts: AttestedKnownClustersParts) {
    this.#parts = parts;
  }

  of(remoteCluster: string | undefined): AttestedCluster | undefined {
    const { clusters, seenBeforeStartMs } = this.#parts;
    const known = clusters.of(remoteCluster);
    if (known === undefined) return undefined;
    return { workloads: known.workloads, seenBeforeStartMs: () => seenBeforeStartMs(known.id) };
  }

  onGone(
    listener: (gone: Gone, remoteCluster: string | undefined) => void,
    options: { readonly signal: AbortSignal },
  ): void {
    const { clusters } = this.#parts;
    const follow = (cluster: KnownCluster): void => {
      const remoteCluster = cluster === clusters.own ? undefined : cluster.id;
      const both = { signal: AbortSignal.any([options.signal, cluster.signal]) };
      cluster.workloads.onGone((gone) => listener(gone, remoteCluster), both);
    };
    clusters.all().forEach(follow);
    clusters.onAdded(follow, options);
  }
}
