// What must survive a restart of every replica so that no older policy bundle comes back: the newest one that was accepted,
// and the latest time at which one was judged. Without the time, a clock set back would revive an expired bundle.

export interface RollbackState {
  /** Of the policy bundle: sequences are counted by name. */
  readonly name: string;
  readonly sequence: number;
  /** Hex SHA-256 of the policy bundle's canonical bytes. */
  readonly digest: string;
  /** Latest moment at which a policy bundle was judged, in ms since the epoch; up to a minute of it may be lost. */
  readonly latestSeenMs: number;
}

/**
 * Shared by all replicas that take policy bundles under one trust: a file for one process, a row of a shared store for
 * several. Whoever opened it closes it; nothing here does.
 */
export interface PolicyBundleState {
  /** What an operator calls it in messages: the path of a file, the table of a store. */
  readonly place: string;
  /**
   * @returns nothing when no policy bundle was ever accepted.
   * @throws AuthorityError CAP-X03 naming a state that is there and cannot be read, or is not one. Never nothing then: that
   *   would let any old bundle in. The signal's reason when it aborts.
   */
  read(options: { readonly signal: AbortSignal }): Promise<RollbackState | undefined>;
  /**
   * Changes the state in one step: no other change comes between what `change` is shown and what it gives. Durable when it
   * resolves, so that a bundle may come in force after it. Calls may overlap; they take their turns.
   * @param change gives the next state, or nothing when it is to stay. May be called again with a newer state, when another
   *   replica was faster. What it throws is thrown here, and nothing has changed.
   * @returns the state as it is then.
   * @throws AuthorityError CAP-X03 when it cannot be written, the signal's reason when it aborts before the write began;
   *   nothing has changed then. `dependency_unavailable` (CAP-S04) when a shared store cannot be asked, or its answer was
   *   lost: it may have changed, and is read before the next change.
   */
  update(
    change: (known: RollbackState | undefined) => RollbackState | undefined,
    options: { readonly signal: AbortSignal },
  ): Promise<RollbackState | undefined>;
}
