// What the reader of evidence and its thread say to each other.
import type { WorkloadEvidence } from '../../../../domain/trust/rotation/evidence.ts';

export type EvidenceRequest =
  /** The next workloads of a reading, which begins with its first page. */
  | { readonly kind: 'page'; readonly reading: number; readonly nowMs: number }
  /** When the last certificate of a workload was issued before that. */
  | { readonly kind: 'lastIssued'; readonly beforeMs: number }
  /** Nobody asks for more of it. */
  | { readonly kind: 'end'; readonly reading: number }
  | { readonly kind: 'close' };

export interface EvidencePage {
  readonly workloads: readonly WorkloadEvidence[];
  readonly isLast: boolean;
  readonly lastIssuedMs?: number | undefined;
}
