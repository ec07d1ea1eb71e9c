// The journal's forgetting: the one way in which a record goes.

export interface JournalRetention {
  /**
   * Deletes at most `limit` of the decisions from before `beforeMs`, oldest first. May be called twice.
   * @param options.epoch of the lease it is done under.
   * @returns how many it deleted; fewer than `limit` when no more are left.
   * @throws AuthorityError `dependency_unavailable` (CAP-S04) when the journal cannot be written, or the epoch is not the
   *   one in force; the signal's reason when it aborts.
   */
  deleteBefore(
    beforeMs: number,
    limit: number,
    options: { readonly epoch: number; readonly signal: AbortSignal },
  ): Promise<number>;
}
