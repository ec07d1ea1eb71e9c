// What the CA knows of the cluster: a snapshot that is replaced whenever anything in it changes. No live
// calls in the hot path; a view that has not synced says so in its snapshot.
import type { ClusterChange } from '../../domain/cluster/cluster-change.ts';
import type { ClusterSnapshot } from '../../domain/cluster/snapshot.ts';

export interface ClusterView {
  /** The newest snapshot; an unsynced one before the first is complete. Never throws. */
  current(): ClusterSnapshot;
  /**
   * How long ago what is known was confirmed last, in ms, while it cannot be followed; 0 while it is, and of a view that
   * is not followed at all. A snapshot that is too old says so itself.
   */
  staleMs(): number;
  /**
   * Calls `listener` after each new snapshot with what differs from the one before, until the signal aborts. A view that
   * cannot say what stayed the same says `everything`: who asks again in vain loses time, who is not asked loses the change.
   */
  onChange(listener: (change: ClusterChange) => void, options: { readonly signal: AbortSignal }): void;
}
