// What was issued to pods, as whoever closes their identities asks for it: never on the way of a request, and page by page.
import type { ClosedPod, FollowedUntil } from './closing-journal.ts';

/** One certificate of one pod of which an API server vouched. A node proxy's certificate is one of each pod that it is for. */
export interface PodIssuance {
  readonly timeMs: number;
  /** SPIFFE ID. */
  readonly identity: string;
  readonly serial: string;
  readonly notAfterMs: number;
  readonly podName: string;
  readonly podUid: string;
  readonly nodeName?: string;
  /** Absent where a node proxy asked. */
  readonly serviceAccountUid?: string;
  readonly remoteCluster?: string;
}

/** Of an identity with more certificates only those that end last are looked through. */
export const MAX_LOOKED_THROUGH = 20_000;

interface Waits {
  readonly signal: AbortSignal;
}

/**
 * For every server that shares the store. Each method throws AuthorityError `dependency_unavailable` (CAP-S04) when it
 * cannot be read now, or too many reads wait already; the signal's reason when it aborts.
 */
export interface PodIssuances {
  /** What an identity was given for these pods, at most 500 of them; the certificates that end last first. */
  issuedTo(
    pods: { readonly identity: string; readonly remoteCluster?: string; readonly podUids: readonly string[] },
    options: Waits,
  ): Promise<readonly PodIssuance[]>;
  /**
   * What was issued from a moment on, a page of about a thousand decisions.
   * @returns with `untilMs`, before which all of it is in this page: the next one begins there.
   */
  issuedBetween(
    range: { readonly fromMs: number; readonly toMs: number; readonly remoteCluster?: string },
    options: Waits,
  ): Promise<{ readonly issuances: readonly PodIssuance[]; readonly untilMs: number }>;
  /** Which of these pods have a closing; at most 500 are asked for. */
  closedPods(podUids: readonly string[], options: Waits): Promise<readonly ClosedPod[]>;
  /** What `recordClosings` noted last; nothing where it never did. */
  followedUntil(remoteCluster: string | undefined, options: Waits): Promise<FollowedUntil | undefined>;
}
