// The pods of one service account on one node, asked of the API server itself: for the moment in which a node proxy is
// ahead of what is watched. Who asks bounds how often (authority/surface/node-pod-lookups.ts).
import type { KnownPod } from './workload-directory.ts';

export interface NodeAccount {
  readonly node: string;
  readonly namespace: string;
  readonly serviceAccount: string;
}

export interface NodePods {
  /**
   * One question; the answer is as of now and is not remembered.
   * @throws AuthorityError CAP-S13 when the API server did not answer, with `retryAfterMs` where it said when to come
   *   again; the signal's reason when it aborts.
   */
  podsOn(account: NodeAccount, options: { readonly signal: AbortSignal }): Promise<readonly KnownPod[]>;
}
