// The record of what operators did to a running server that could weaken what it decides. Beside the decisions in
// the journal, because they are looked for where somebody asks why something was issued.

export interface OperationRecord {
  readonly timeMs: number;
  /** The command that did it, such as `bundle reset-time`. */
  readonly operation: string;
  /** What it changed, before it, as the operator was shown it. */
  readonly was: string;
  readonly is: string;
}

export interface OperationJournal {
  /**
   * Resolves once the record would survive `kill -9` and a power cut; only then may the operation take effect.
   * @throws AuthorityError `dependency_unavailable` (CAP-S04) when it cannot be made durable.
   */
  recordOperation(record: OperationRecord, options: { readonly signal: AbortSignal }): Promise<void>;
}

export interface OperationQuery {
  readonly sinceMs?: number;
  /** At most this many, newest first. */
  readonly limit: number;
}

export interface OperationJournalReader {
  /** None in a journal of before operations were recorded. @throws as `IssuanceJournalReader`. */
  operations(query: OperationQuery, options: { readonly signal: AbortSignal }): Promise<readonly OperationRecord[]>;
}
