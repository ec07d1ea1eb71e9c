// What the readers of the journal and their thread say to each other: each kind of question, and its answer.
import type { CurrentCertificate } from '../../../../domain/policy/request.ts';
import type { LeafNames, LeafRecord } from '../../../../ports/storage/issuance-history.ts';
import type { JournalConditions, JournalQuery } from '../../../../ports/storage/issuance-journal.ts';
import type { FormerIssuer } from '../../../../ports/storage/issuer-records.ts';
import type { DecisionValues } from '../../records.ts';
import type { OperationQuery, OperationRecord } from '../../../../ports/storage/operation-journal.ts';

export interface Reads {
  /** Opens the file, so that one that cannot be read is refused at once. */
  open: { question: undefined; answer: undefined };
  current: { question: { identity: string; nowMs: number }; answer: CurrentCertificate | undefined };
  leaf: { question: LeafNames; answer: LeafRecord | undefined };
  issuers: { question: { nowMs: number }; answer: readonly FormerIssuer[] };
  list: { question: JournalQuery; answer: readonly DecisionValues[] };
  count: { question: JournalConditions; answer: number };
  operations: { question: OperationQuery; answer: readonly OperationRecord[] };
  /** Begins to go through the records. @returns the scan's number. */
  scan: { question: JournalConditions; answer: number };
  /** At most `BATCH` further records; fewer are the last. */
  next: { question: { scan: number }; answer: readonly DecisionValues[] };
  /** No more of it is wanted. */
  stop: { question: { scan: number }; answer: undefined };
  close: { question: undefined; answer: undefined };
}

export type ReadKind = keyof Reads;
export type ReadRequest = {
  [Kind in ReadKind]: { readonly kind: Kind; readonly question: Reads[Kind]['question'] };
}[ReadKind];

/** Records that cross at a time: some 500 KB. */
export const BATCH = 500;
/** Scans under way in one thread, each with a handle of its own; one more is refused. */
export const MAX_SCANS = 8;
