// Counters of what was issued lately, so that a quota holds whichever process or replica is asked.

/** One leaky bucket: a burst up to its size passes, and what follows comes at its pace. */
export interface QuotaBucket {
  /** Names it among those that are central, or among the others. One whose number changes goes on from where it stands. */
  readonly key: string;
  /** Its size, and how much of it leaks in a minute; 0 lets nothing through. */
  readonly perMinute: number;
  /** Whether it belongs to the policy bundle: the others, however many there are, make no room among these. */
  readonly central: boolean;
}

/** A bucket without room, by its key, and after how many milliseconds it has room for one. */
export interface FullBucket {
  readonly key: string;
  readonly roomAfterMs: number;
}

/**
 * For an implementer of a shared store: one `take` is atomic, and counts over all processes and replicas, give or take
 * an overshoot that is stated where it is configured. A store that was lost may begin with empty buckets, which only
 * ever lets more through. A `take` whose answer was lost may be asked again: it then counts twice.
 */
export interface QuotaCounters {
  /**
   * Adds one to every bucket, or to none.
   * @param buckets few, each key once.
   * @returns the buckets without room, in the order of `buckets`; none when one was added to all.
   * @throws AuthorityError `dependency_unavailable` (CAP-S04) when it cannot be counted: nothing may be issued then; the
   *   signal's reason when it aborts.
   */
  take(buckets: readonly QuotaBucket[], options: { readonly signal: AbortSignal }): Promise<readonly FullBucket[]>;
}
