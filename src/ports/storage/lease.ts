// The right to do what one process does for all: of several replicas, or of several processes on one machine.

/**
 * A lease that this process holds. A shared store renews it until it is released; where it cannot in time, `lost` aborts
 * before another process can hold the lease.
 */
export interface HeldLease {
  /** Higher than that of every holder before. Each write that is done under the lease is conditional on it. */
  readonly epoch: number;
  /** Aborts when the lease is lost: the work under it ends. */
  readonly lost: AbortSignal;
  /** Lets another process have it. May be called twice, and after it was lost. */
  release(): Promise<void>;
}

/**
 * For an implementer of a shared store: a row with a holder, an expiry by the store's clock and an epoch that rises with
 * each new holder. Clocks of the replicas decide nothing, and a holder that was stopped for long writes nothing, because
 * its epoch is over.
 */
export interface Lease {
  /**
   * Waits until no other process holds it, however long that takes. Several parts of one process may hold it at once.
   * @throws AuthorityError `dependency_unavailable` (CAP-S04) when the store cannot be asked; trying again may help. The
   *   signal's reason when it aborts.
   */
  acquire(options: { readonly signal: AbortSignal }): Promise<HeldLease>;
}
