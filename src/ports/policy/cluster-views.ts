// What the CA knows of each cluster whose callers it serves: its own, and others that may come and go while it runs.
import type { ClusterChange } from '../../domain/cluster/cluster-change.ts';
import type { ClusterView } from './cluster-view.ts';

export interface ClusterViews {
  /**
   * @param remoteCluster as of the subject; absent, the server's own cluster.
   * @returns of a cluster that is not known a view of nothing, which says so. Never throws.
   */
  of(remoteCluster: string | undefined): Pick<ClusterView, 'current' | 'staleMs'>;
  /** As `ClusterView.onChange`, for all of them; one that comes or goes has changed in everything. */
  onChange(
    listener: (change: ClusterChange, remoteCluster: string | undefined) => void,
    options: { readonly signal: AbortSignal },
  ): void;
}
