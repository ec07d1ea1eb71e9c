// What the CA knows of the cluster: a snapshot that is replaced whenever anything in it changes. No live
// calls in the hot path; a view that has not synced says so in its snapshot.
import type { ClusterSnapshot } from '../../domain/cluster/snapshot.ts';

export interface ClusterView {
  /** The newest snapshot; an unsynced one before the first is complete. Never throws. */
  current(): ClusterSnapshot;
  /** Calls `listener` after each new snapshot, until the signal aborts. */
  onChange(listener: () => void, options: { readonly signal: AbortSignal }): void;
}
