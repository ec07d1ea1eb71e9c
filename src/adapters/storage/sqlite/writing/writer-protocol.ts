// What the journal and its writing thread say to each other: requests one way, one answer for each, in order.
import type { KeptHead } from '../../../../ports/audit/audit-heads.ts';
import type { FollowedUntil } from '../../../../ports/storage/closing-journal.ts';
import type { EvidenceNotes } from '../../../../ports/storage/evidence.ts';
import type { RecordedIssuer } from '../../../../ports/storage/issuer-records.ts';

export type WriterRequest =
  /** `known`: there was a journal before, so none is made. */
  | { readonly kind: 'open'; readonly known: boolean }
  /** `records`: JSON of the records; one string crosses between threads faster than many objects. */
  | { readonly kind: 'append'; readonly records: string }
  /** Whether the files are the ones that were opened, as they were left. */
  | { readonly kind: 'look' }
  /** Whether a record could be written now. */
  | { readonly kind: 'probe' }
  | { readonly kind: 'delete-before'; readonly beforeMs: number; readonly limit: number; readonly nowMs: number }
  | { readonly kind: 'keep-issuers'; readonly issuers: readonly RecordedIssuer[]; readonly nowMs: number }
  /** `operation`: JSON of the one record, in a list. */
  | { readonly kind: 'record-operation'; readonly operation: string }
  /** `closings`: JSON of the records. */
  | { readonly kind: 'record-closings'; readonly closings: string; readonly followed: FollowedUntil | undefined }
  | ({ readonly kind: 'record-evidence' } & EvidenceNotes)
  | { readonly kind: 'keep-head'; readonly head: KeptHead }
  | { readonly kind: 'close' };

/**
 * What came of a request. `removed`: how many records a `delete-before` took away. `inode`: the file that is open, for
 * the thread that comes after this one.
 */
export interface Written {
  readonly removed: number;
  readonly inode: string;
}
