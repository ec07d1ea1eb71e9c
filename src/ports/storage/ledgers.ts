// Where a ledger of what operators decided is kept, for all processes and servers of one CA: one value that is changed as a
// whole, together with the record of the operation that changed it.
import type { OperationRecord } from './operation-journal.ts';

interface Waits {
  readonly signal: AbortSignal;
}

export interface Revision {
  /** 0 before the first change; higher with every one. */
  readonly number: number;
  /**
   * Tells two ledgers of one number apart: SHA-256 of what is written down, in hex. A database that loses its last moments counts them
   * again. Absent before the first change, and where one process alone writes.
   */
  readonly digest?: string;
}

/** Before the first change. */
export const UNCHANGED: Revision = { number: 0 };

export function isSameRevision(one: Revision, other: Revision): boolean {
  return one.number === other.number && one.digest === other.digest;
}

export interface Revised<L> {
  readonly revision: Revision;
  readonly ledger: L;
}

/**
 * For an implementer of a shared store: one row that is changed by comparing its revision, digest included, in one transaction with the record
 * of the operation that changed it. Where ledger and journal are two files, the ledger keeps the record until the journal
 * has it, so that neither a crash nor a full disk parts them.
 * @typeParam L plain data all through.
 */
export interface Ledgers<L> {
  /**
   * Which revision the ledger has now: asked again and again, and so it costs the same however long the ledger is.
   * @throws as `read`.
   */
  revision(options: Waits): Promise<Revision>;
  /**
   * @returns the ledger as it is now; an empty one before the first change.
   * @throws AuthorityError `dependency_unavailable` (CAP-S04) when it cannot be read, `config_invalid` (CAP-X03) naming a
   *   file that is not one: never an empty ledger then, by which what was forbidden would be allowed again. The signal's reason.
   */
  read(options: Waits): Promise<Revised<L>>;
  /**
   * Durable, with the record, when it resolves.
   * @param revision of the ledger that `next` was made of.
   * @returns the revision that `next` was given; nothing when the ledger had another one by then: nothing has changed.
   * @throws as `read`; CAP-O02 naming what in `next` could not be read again: nothing has changed then; CAP-O06 when nobody
   *   knows whether it has changed. After CAP-O06 or what `read` throws it may have: read before another try.
   */
  replace(revision: Revision, next: L, operation: OperationRecord, options: Waits): Promise<Revision | undefined>;
}
