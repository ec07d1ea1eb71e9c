// What was issued before, as certificates that somebody shows: a renewal is worth what the proof behind that
// certificate is worth.
import type { Attestation, Lineage, PodBinding } from '../../domain/identity/caller.ts';

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
  /** Hex SHA-256; absent from records of before schema version 8. */
  readonly trustAnchor?: string;
  readonly lineage: Lineage;
  /** As of the proof that it goes back to: a renewal is of the pod that gave it. */
  readonly pod?: PodBinding;
  readonly attestation?: Attestation;
  readonly remoteCluster?: string;
}

/** A shared store answers for every replica's certificates. Reading twice is harmless. */
export interface LeafRecords {
  /**
   * @returns the record of a workload's leaf that was issued here; nothing for any other.
   * @throws AuthorityError `dependency_unavailable` (CAP-S04) when the record cannot be read now, or too many reads
   *   wait already; the signal's reason when it aborts.
   */
  recordOf(leaf: LeafNames, options: { readonly signal: AbortSignal }): Promise<LeafRecord | undefined>;
}
