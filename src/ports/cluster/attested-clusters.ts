// The clusters whose API servers vouch for callers: where a caller's workload is looked for.
import type { Gone, WorkloadDirectory } from './workload-directory.ts';

export interface AttestedCluster {
  readonly workloads: WorkloadDirectory;
  /**
   * Where nothing could be read of the cluster since the start, because its API server does not answer.
   * @returns how long ago, in ms, a server before this one heard it; nothing when that is longer than it is believed, or not
   *   known.
   */
  seenBeforeStartMs(): number | undefined;
}

export interface AttestedClusters {
  /**
   * @param remoteCluster id of a remote cluster; absent for the server's own.
   * @returns nothing when no such cluster is known, or known any more.
   */
  of(remoteCluster: string | undefined): AttestedCluster | undefined;
  /** Calls `listener` for what is gone in any of them, those that are added later included, until the signal aborts. */
  onGone(
    listener: (gone: Gone, remoteCluster: string | undefined) => void,
    options: { readonly signal: AbortSignal },
  ): void;
}
