// The record of every decision. A decision leaves the process only after its record is durable.
import type { Attestation, AuthenticationMethod } from '../../domain/identity/caller.ts';
import type { WaivedClause, FailedClause } from '../../domain/policy/policy-decision.ts';
import type { IssuanceClass, IssuerChoice } from '../../domain/policy/request.ts';
import type { PodName, SubjectPod } from '../../domain/policy/subject-pods.ts';
import type { ObjectReference } from '../../domain/cluster/snapshot.ts';
import type { Reason } from '../../domain/reasons.ts';
import type { Revision } from './ledgers.ts';

/**
 * Which part of the CA a decision was made for. `secret` is a certificate that is put into a Secret for its owner; the last two are
 * kinds of objects of the Kubernetes API server.
 */
export type Api = 'csr' | 'sds' | 'self' | 'secret' | 'kubernetes-csr' | 'pod-certificate';

/**
 * How policy came to its answer, and what it was asked: enough to explain the decision and to ask another
 * policy the same question. What is empty is left out.
 */
export interface PolicyTrace {
  /** SPIFFE ID that was judged. */
  readonly subject: string;
  readonly class: IssuanceClass;
  readonly key: { readonly type: string; readonly bits: number };
  /** Milliseconds; absent when the request named none. */
  readonly requestedTtlMs?: number;
  readonly dnsNames?: readonly string[];
  /** `namespace/serviceAccount` of a relay. */
  readonly actor?: string;
  readonly issuer: string;
  /** Why this issuer; absent when no other was configured. */
  readonly issuerChoice?: IssuerChoice;
  /** `name@sequence` */
  readonly bundle: string;
  readonly snapshot: string;
  /** How long the API server had not been followed, in ms; absent while it was, and where manifests describe the cluster. */
  readonly clusterStaleMs?: number;
  readonly applied: readonly string[];
  readonly failures?: readonly FailedClause[];
  readonly audits?: readonly FailedClause[];
  readonly waived?: readonly WaivedClause[];
  readonly objects?: readonly ObjectReference[];
  /** The pods on the relay's node that the certificate is for. */
  readonly podNames?: readonly PodName[];
  /** The pods that the certificate is for, as they were; absent where no policy looked at pods. */
  readonly pods?: readonly SubjectPod[];
}

/** What the API server of the caller's cluster had vouched for, and how fresh that was. */
export interface AttestationTrace extends Attestation {
  /** How long the API server had not been heard, in ms, while it should have been; absent when it was there. */
  readonly clusterStaleMs?: number;
}

interface DecisionFacts {
  /** Unique per decision; the caller gets it in the status message. */
  readonly decisionId: string;
  /** Milliseconds since the epoch. */
  readonly timeMs: number;
  readonly api: Api;
  /** Of an object of the Kubernetes API server, its kind and name. */
  readonly remoteAddress: string;
  /** SPIFFE ID of the authenticated caller; absent when authentication failed. */
  readonly caller?: string;
  readonly authenticationMethod?: AuthenticationMethod;
  readonly credentialId?: string;
  /** Hex SHA-256 of the anchor of the certificate that it authenticated with; absent where that is no record of ours. */
  readonly presentedAnchor?: string;
  readonly podName?: string;
  readonly podUid?: string;
  readonly nodeName?: string;
  /** Absent where no API server vouched for the caller, and from records of before schema version 9. */
  readonly attestation?: AttestationTrace;
  /**
   * Id of the caller's cluster, and of the server's own where nobody is known to be of another. Absent from records that stand
   * for several, and from those of before schema version 13.
   */
  readonly cluster?: string;
  /** The same, where it is another than the server's own. */
  readonly remoteCluster?: string;
  /** Digest of the policy that decided; absent when policy was not reached. */
  readonly policyRevision?: string;
  /** Absent when policy was not reached. */
  readonly policy?: PolicyTrace;
}

export interface IssuedRecord extends DecisionFacts {
  readonly outcome: 'issued';
  /** SPIFFE ID, or the first DNS name of a `self` certificate. */
  readonly identity: string;
  /** Lower-case hex, no leading zeros. */
  readonly serial: string;
  /** Issuer id: hex SHA-256 of the issuer certificate, first 16 digits. */
  readonly issuer: string;
  /** As policies call it; absent from records of before schema version 8. */
  readonly issuerName?: string;
  /** Hex SHA-256 of the trust anchor at the end of its path; as `issuerName`. */
  readonly trustAnchor?: string;
  /** Digest of the trust bundle that the answer brings; absent where answers bring none, and from records of before schema version 12. */
  readonly bundle?: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** `ec-p256`, `ec-p384` or `rsa-<bits>`. */
  readonly keyType: string;
  /**
   * The decision that was last proved by a token or a socket: this one, or the one that the certificate it was
   * renewed with goes back to. Absent from `self` certificates, and from records of before schema version 3.
   */
  readonly proofId?: string;
  /** When that proof was given, in ms since the epoch; as `proofId`. */
  readonly provenAtMs?: number;
}

export interface RefusedRecord extends DecisionFacts {
  readonly outcome: 'refused';
  /** SPIFFE ID that was asked for, when it is another than the caller's. */
  readonly identity?: string;
  readonly reason: Reason;
  /** The safe line the caller got; of a counted record, the first of them. */
  readonly message: string;
  /**
   * How many refusals the record stands for, in a flood of them; absent from the record of one. It then has only
   * what they have in common: `remoteAddress` is a source such as `192.0.2.7`, or `several`.
   */
  readonly count?: number;
}

export type DecisionRecord = IssuedRecord | RefusedRecord;

export interface JournalQuery {
  readonly outcome?: DecisionRecord['outcome'];
  readonly decisionId?: string;
  readonly identity?: string;
  readonly sinceMs?: number;
  /** Only certificates that are still valid at this moment. */
  readonly validAtMs?: number;
  /** At most this many, newest first. */
  readonly limit: number;
}

export interface Appending {
  readonly signal: AbortSignal;
  /** Of a certificate: the ledger of bans by which it may be given. Absent where no ban counts. */
  readonly bans?: Revision;
}

export interface IssuanceJournal {
  /**
   * Resolves once the record would survive `kill -9` and a power cut. Records of one moment share one commit.
   * @returns false when the store, which several servers share, has another ledger of bans by now: nothing is recorded then.
   * @throws AuthorityError `dependency_unavailable` (CAP-S04) when it cannot be made durable, or when too
   *   many records wait already; the decision must then not be delivered.
   */
  append(record: DecisionRecord, options: Appending): Promise<boolean>;
}

/** Which records to go through. */
export type JournalConditions = Omit<JournalQuery, 'limit'>;

/**
 * The reading half, for the CLI and later the console. Every method reads what is durable when it is called, and may be
 * called while others are under way.
 * @throws AuthorityError `config_invalid` (CAP-X03) for what is not a journal or proves damaged, `dependency_unavailable`
 *   (CAP-S04) for what cannot be read now; the signal's reason when it aborts.
 */
export interface IssuanceJournalReader {
  list(query: JournalQuery, options: { readonly signal: AbortSignal }): Promise<readonly DecisionRecord[]>;
  /** How many records `scan` would give. */
  count(conditions: JournalConditions, options: { readonly signal: AbortSignal }): Promise<number>;
  /**
   * Record by record, oldest first, however many there are: only some are held in memory. What is recorded meanwhile
   * is not seen. A consumer may stop anywhere.
   */
  scan(conditions: JournalConditions, options: { readonly signal: AbortSignal }): AsyncIterable<DecisionRecord>;
}

/** Of many certificates at once: one question, where a list for each would take hundreds. */
export interface IssuedRecords {
  /**
   * @param decisionIds a thousand at most.
   * @returns what is on record of certificates by them, each once, in any order. What is no more kept, or refused, is not there.
   * @throws as `IssuanceJournalReader`.
   */
  issuedBy(decisionIds: readonly string[], options: { readonly signal: AbortSignal }): Promise<readonly IssuedRecord[]>;
}
