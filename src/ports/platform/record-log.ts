// What is on record, told to a collector of logs as it happens. The journal is the proof; this is for those who watch.
import type { DecisionRecord } from '../storage/issuance-journal.ts';
import type { OperationRecord } from '../storage/operation-journal.ts';

/** Neither method waits nor throws: what cannot be sent is dropped and counted. */
export interface RecordLog {
  decision(record: DecisionRecord): void;
  operation(record: OperationRecord): void;
}
