// The record of every decision. A decision leaves the process only after its record is durable.
import type { ProvenBy } from '../domain/identity/caller.ts';
import type { Reason } from '../domain/reasons.ts';

/** Which part of the CA a decision was made for. */
export type Surface = 'csr' | 'sds' | 'self';

interface DecisionFacts {
  /** Unique per decision; the caller gets it in the status message. */
  readonly decisionId: string;
  /** Milliseconds since the epoch. */
  readonly timeMs: number;
  readonly surface: Surface;
  readonly remoteAddress: string;
  /** SPIFFE ID of the authenticated caller; absent when authentication failed. */
  readonly caller?: string;
  readonly provenBy?: ProvenBy;
  readonly evidence?: string;
  readonly podName?: string;
  readonly podUid?: string;
  readonly nodeName?: string;
  /** Digest of the policy that decided; absent when policy was not reached. */
  readonly policyRevision?: string;
}

export interface IssuedRecord extends DecisionFacts {
  readonly outcome: 'issued';
  /** SPIFFE ID, or the first DNS name of a `self` certificate. */
  readonly identity: string;
  /** Lower-case hex, no leading zeros. */
  readonly serial: string;
  /** Issuer id: hex SHA-256 of the issuer certificate, first 16 digits. */
  readonly issuer: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** `ec-p256`, `ec-p384` or `rsa-<bits>`. */
  readonly keyType: string;
}

export interface RefusedRecord extends DecisionFacts {
  readonly outcome: 'refused';
  readonly reason: Reason;
  /** The safe line the caller got. */
  readonly message: string;
}

export type DecisionRecord = IssuedRecord | RefusedRecord;

export interface JournalQuery {
  readonly outcome?: DecisionRecord['outcome'];
  readonly decisionId?: string;
  readonly identity?: string;
  readonly sinceMs?: number;
  /** At most this many, newest first. */
  readonly limit: number;
}

export interface IssuanceJournal {
  /**
   * Resolves once the record would survive `kill -9` and a power cut. Records of one moment share one commit.
   * @throws AuthorityError `dependency_unavailable` (CAP-S04) when it cannot be made durable, or when too
   *   many records wait already; the decision must then not be delivered.
   */
  append(record: DecisionRecord, options: { readonly signal: AbortSignal }): Promise<void>;
}

/** The reading half, for the CLI and later the console. */
export interface IssuanceJournalReader {
  list(query: JournalQuery): readonly DecisionRecord[];
}
