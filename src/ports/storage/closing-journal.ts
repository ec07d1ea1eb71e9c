// The record of identities that ended: a pod that had certificates is gone, so nothing is renewed for it, and what it was
// given lives no longer than the record says. Beside the decisions in the journal, once for each pod.

/**
 * Why a pod has its identity no more. `service_account_recreated`: the account of its name has another UID now, so the pod
 * may enrol again, as somebody else. A newer server may write others.
 */
export type ClosingReason =
  'pod_deleted' | 'pod_finished' | 'service_account_deleted' | 'service_account_recreated' | 'namespace_removed';

export interface ClosingRecord {
  /** When its end was seen, in ms since the epoch. */
  readonly timeMs: number;
  /** SPIFFE ID. */
  readonly identity: string;
  readonly reason: ClosingReason;
  /** Id of the pod's cluster. */
  readonly cluster: string;
  /** The same, where it is another than the server's own; as in decisions. */
  readonly remoteCluster?: string;
  readonly namespace: string;
  readonly podName: string;
  readonly podUid: string;
  /** Of the account that vouched for it; absent where certificates came by a node proxy. */
  readonly serviceAccountUid?: string;
  readonly nodeName?: string;
  /** Of an end that nobody saw, while no server ran: the pod was there until then, and ended before `timeMs`. */
  readonly lastSeenMs?: number;
  /** How many of its certificates were valid at `timeMs`. */
  readonly liveCertificates: number;
  /** When the last of its certificates ends, or ended. */
  readonly latestEndMs: number;
  /** Of those that were valid, the `MAX_SERIALS` that end last; lower-case hex. */
  readonly serials: readonly string[];
}

export const MAX_SERIALS = 16;

/** What names a closing: a pod has one for each identity and each account that it ran as. */
export type ClosedPod = Pick<ClosingRecord, 'identity' | 'remoteCluster' | 'podUid' | 'serviceAccountUid'>;

/** That every end in a cluster until then is on record. */
export interface FollowedUntil {
  /** Absent for the server's own cluster. */
  readonly remoteCluster?: string;
  readonly untilMs: number;
}

export interface ClosingJournal {
  /**
   * Records all of them, or none, in one commit; resolves once they would survive `kill -9` and a power cut. One that is
   * there already is left as it is.
   * @param options.epoch of the lease it is done under.
   * @throws AuthorityError `dependency_unavailable` (CAP-S04) when the journal cannot be written, or the epoch is not the
   *   one in force; the signal's reason when it aborts.
   */
  recordClosings(
    closings: readonly ClosingRecord[],
    followed: FollowedUntil | undefined,
    options: { readonly epoch: number; readonly signal: AbortSignal },
  ): Promise<void>;
}

export interface ClosingQuery {
  readonly identity?: string;
  readonly sinceMs?: number;
  /** At most this many, newest first. */
  readonly limit: number;
}

/** None in a journal of before closings were recorded. Throws as `IssuanceJournalReader`. */
export interface ClosingJournalReader {
  closings(query: ClosingQuery, options: { readonly signal: AbortSignal }): Promise<readonly ClosingRecord[]>;
  /** All of them, oldest first: only some are held in memory. */
  scanClosings(options: { readonly signal: AbortSignal }): AsyncIterable<ClosingRecord>;
}
