// A journal in some store, as the contracts of its readers see it: what is recorded, and what is read back.
import type {
  ClosingJournalReader,
  ClosingRecord,
  FollowedUntil,
} from '../../../../src/ports/storage/closing-journal.ts';
import type { CurrentCertificates } from '../../../../src/ports/storage/current-certificates.ts';
import type { LeafRecords } from '../../../../src/ports/storage/issuance-history.ts';
import type { DecisionRecord, IssuanceJournalReader } from '../../../../src/ports/storage/issuance-journal.ts';
import type { FormerIssuers, RecordedIssuer } from '../../../../src/ports/storage/issuer-records.ts';
import type { OperationJournalReader, OperationRecord } from '../../../../src/ports/storage/operation-journal.ts';
import type { PodIssuances } from '../../../../src/ports/storage/pod-issuances.ts';

export interface StoredJournal extends AsyncDisposable {
  readonly reader: IssuanceJournalReader & OperationJournalReader & ClosingJournalReader;
  readonly history: CurrentCertificates & LeafRecords & FormerIssuers;
  readonly issuances: PodIssuances;
  recordClosings(closings: readonly ClosingRecord[], followed?: FollowedUntil): Promise<void>;
  record(...records: readonly DecisionRecord[]): Promise<void>;
  recordOperation(operation: OperationRecord): Promise<void>;
  deleteBefore(beforeMs: number, limit: number): Promise<number>;
  keepIssuers(issuers: readonly RecordedIssuer[], nowMs: number): Promise<void>;
}

/** Makes an empty one. */
export type OpenStore = () => Promise<StoredJournal>;
