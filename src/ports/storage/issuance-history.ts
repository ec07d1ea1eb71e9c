// What was issued before: to an identity, because policy treats asking again as a renewal; and as a certificate
// that somebody shows, because a renewal is worth what the proof behind that certificate is worth.
import type { Lineage } from '../../domain/identity/caller.ts';
import type { CurrentCertificate } from '../../domain/policy/request.ts';

export interface IssuanceHistory {
  /**
   * @param identity SPIFFE ID.
   * @returns its newest certificate that is valid at `nowMs`, also one from before a restart.
   * @throws AuthorityError `dependency_unavailable` (CAP-S04) when the record cannot be read.
   */
  currentCertificateOf(identity: string, nowMs: number): CurrentCertificate | undefined;
}

/** How a leaf calls itself; together it names one record, and a record only its own leaf. */
export interface LeafNames {
  /** SPIFFE ID. */
  readonly identity: string;
  /** Lower-case hex, no leading zeros. */
  readonly serial: string;
  readonly notAfterMs: number;
}

export interface LeafRecord {
  /** Id of the issuer that signed it. */
  readonly issuer: string;
  readonly lineage: Lineage;
}

export interface LeafRecords {
  /**
   * @returns the record of a workload's leaf that was issued here; nothing for any other.
   * @throws AuthorityError `dependency_unavailable` (CAP-S04) when the record cannot be read.
   */
  recordOf(leaf: LeafNames): LeafRecord | undefined;
}
