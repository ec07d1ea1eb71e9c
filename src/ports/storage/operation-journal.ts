// The record of what operators did to a running server that could weaken what it decides. Beside the decisions in
// the journal, because they are looked for where somebody asks why something was issued.
import type { ClosingJournalReader } from './closing-journal.ts';
import type { IssuanceJournalReader, IssuedRecords, RefusedRecord } from './issuance-journal.ts';

export interface OperationRecord {
  readonly timeMs: number;
  /** The command that did it, such as `bundle reset-time`. */
  readonly operation: string;
  /** What it changed, before it, as the operator was shown it. */
  readonly was: string;
  readonly is: string;
  /** Absent from records of before they were noted. */
  readonly details?: OperationDetails;
}

/** Who asked for it, and what became of it. */
export interface OperationDetails {
  /** `local` for the Unix socket, otherwise the name in the client certificate. */
  readonly actor: string;
  readonly role: string;
  /** What it acts on, such as `issuer default 0123456789abcdef`. */
  readonly target?: string;
  /** The operator's own words. */
  readonly reason?: string;
  /** The second person. */
  readonly approvedBy?: string;
  /** Why it was not done; absent where it was. */
  readonly refused?: string;
  /** How many refusals the record stands for, when they came too fast; absent from that of one. */
  readonly count?: number;
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

/** What pages of a server show of the newest records. Questions take nothing from those that sign. */
export interface NewestRecords
  extends
    Pick<IssuanceJournalReader, 'list'>,
    IssuedRecords,
    Pick<ClosingJournalReader, 'closings'>,
    OperationJournalReader {
  /** @throws as `IssuanceJournalReader`. */
  refusedIn(question: RefusedIn, options: { readonly signal: AbortSignal }): Promise<FoundRefused>;
}

/** Of some namespaces, among the newest refusals of all: what is of others does not leave the store. */
export interface RefusedIn {
  readonly namespaces: readonly string[];
  readonly sinceMs: number;
  /** How many of all are looked through. */
  readonly among: number;
  /** At most this many, newest first. */
  readonly limit: number;
}

export interface FoundRefused {
  /** By the identity that was asked for, or else the caller's. */
  readonly records: readonly RefusedRecord[];
  /** Back to when was looked: the asked time, or a later one where `among` went no further. */
  readonly sinceMs: number;
}
