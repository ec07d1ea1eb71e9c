// A journal in some store, as the contracts of its readers see it: what is recorded, and what is read back.
import type { CurrentCertificates } from '../../../../src/ports/storage/current-certificates.ts';
import type { LeafRecords } from '../../../../src/ports/storage/issuance-history.ts';
import type { DecisionRecord, IssuanceJournalReader } from '../../../../src/ports/storage/issuance-journal.ts';
import type { FormerIssuers, RecordedIssuer } from '../../../../src/ports/storage/issuer-records.ts';
import type { OperationJournalReader, OperationRecord } from '../../../../src/ports/storage/operation-journal.ts';

export interface StoredJournal extends AsyncDisposable {
  readonly reader: IssuanceJournalReader & OperationJournalReader;
  readonly history: CurrentCertificates & LeafRecords & FormerIssuers;
  record(...records: readonly DecisionRecord[]): Promise<void>;
  recordOperation(operation: OperationRecord): Promise<void>;
  keepIssuers(issuers: readonly RecordedIssuer[], nowMs: number): Promise<void>;
}

/** Makes an empty one. */
export type OpenStore = () => Promise<StoredJournal>;
