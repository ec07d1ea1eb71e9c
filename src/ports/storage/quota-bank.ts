// What the processes and replicas of one CA borrow from when they count quotas: each spends what was lent to it without
// asking again, so that a quota over all of them costs a question now and then and not one for each certificate.
import type { FullBucket, QuotaBucket } from './quota-counters.ts';

/** What was lent: at least one, at most what was asked for. */
export interface Loan {
  readonly granted: number;
}

/**
 * Keeps every bucket's level for all who borrow. What is lent counts as issued at once and never comes back, so a bucket
 * lets through at most its size, what leaks, and one loan for each borrower that had one in hand before: that is the
 * overshoot, and `most` bounds it. Where others hold loans which they do not spend, a bucket is full earlier by as much; it
 * leaks like everything else in it. With `most` 1 a quota is exact.
 *
 * For an implementer: one `lend` is atomic and by the bank's own clock. What was lent is not forgotten by a crash of the
 * bank that its store survives; a bank that was lost begins with empty buckets, which only ever lets more through.
 */
export interface QuotaBank {
  /**
   * Adds what it lends to the bucket.
   * @param most whole, at least 1 and at most `bucket.perMinute` where that is at least 1.
   * @returns how much of `most` had room; that the bucket is full when not even one had.
   * @throws AuthorityError `dependency_unavailable` (CAP-S04) when it cannot be asked. One whose answer was lost may have
   *   lent: asking again then lends twice, which only ever lets less through. The signal's reason when it aborts.
   */
  lend(bucket: QuotaBucket, most: number, options: { readonly signal: AbortSignal }): Promise<Loan | FullBucket>;
}
