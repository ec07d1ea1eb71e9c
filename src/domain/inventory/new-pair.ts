// An identity on a node where it was never seen, though both are known: a pair of which somebody should be told. A new identity is a
// deployment and a new node is scaling, so either is known only after a while. Entries are numbered in the order in which they were
// first seen, so what is known for that long is a number, and nothing is remembered of each identity or node.

/** What deviates, as it is counted. */
export const ANOMALY_KINDS = ['new_pair'] as const;

/** Known are an identity and a node that were seen so long ago; nothing is told before anything is. */
export const KNOWN_AFTER_MS = 30 * 60_000;
/** How finely time is remembered: one number for each, thirty-odd in all. */
const MARK_MS = 60_000;

interface Mark {
  readonly atMs: number;
  readonly newest: number;
}

/** How far the entries had been looked at, and when; never changed. */
export interface PairWatch {
  /** The newest entry that was looked at. */
  readonly newest: number;
  /** First the oldest; the first alone may be older than `KNOWN_AFTER_MS`. */
  readonly marks: readonly Mark[];
}

/** The newest entry whose identity and node are known by now; 0 while all of it is being learned. */
export function knownUntil({ marks }: PairWatch, nowMs: number): number {
  return marks.findLast(({ atMs }) => atMs <= nowMs - KNOWN_AFTER_MS)?.newest ?? 0;
}

/**
 * @param before nothing, at the first look.
 * @param newest the newest entry that there is, or that this look came to; one below the last says that the inventory was made anew,
 *   with other numbers, so that all is learned again.
 * @param nowMs of the wall clock: one that is set forwards has learned sooner, one that is set back later.
 */
export function lookedAt(before: PairWatch | undefined, newest: number, nowMs: number): PairWatch {
  if (before === undefined || newest < before.newest) return { newest, marks: [{ atMs: nowMs, newest }] };
  const { marks } = before;
  const last = marks.at(-1);
  if (last !== undefined && nowMs - last.atMs < MARK_MS) return { newest, marks };
  const oldest = marks.findLastIndex(({ atMs }) => atMs <= nowMs - KNOWN_AFTER_MS);
  return { newest, marks: [...marks.slice(Math.max(0, oldest)), { atMs: nowMs, newest }] };
}
