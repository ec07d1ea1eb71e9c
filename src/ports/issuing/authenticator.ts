// One way of proving who is asking. Authenticators are asked in order; the first that finds its kind of
// credential decides, and a rejected credential does not fall through to the next. Only one that is sound and
// not enough by itself leaves the decision to what else the caller shows.
import type { Caller } from '../../domain/identity/caller.ts';
import type { Reason } from '../../domain/reasons.ts';

/** The client certificate of a TLS connection, as far as the listener could judge it. */
export interface PresentedCertificate {
  /** DER of the leaf. The rest of the chain is not dependable on every Node version. */
  readonly leaf: Uint8Array;
  /** Why the chain did not verify against our bundle; absent when it did. */
  readonly problem?: string;
}

/** Everything a connection and a request showed. Values are untrusted until an authenticator has verified them. */
export interface PresentedCredentials {
  readonly clientCertificate?: PresentedCertificate;
  /** Each value of the `authorization` header as it came. */
  readonly authorization: readonly string[];
  /** The `clusterid` that Istio's agents send with each call: the cluster they say they run in. Absent when empty. */
  readonly clusterId?: string;
  /** The Unix socket that the caller came through, when its path is the identity. */
  readonly socketPath?: string;
  readonly remoteAddress: string;
  /** Called by `authenticate` with the caller: from then on the connection counts for its namespace. */
  readonly onAuthenticated?: (caller: Caller) => void;
}

export type AuthenticationResult =
  | { readonly outcome: 'absent' }
  | { readonly outcome: 'authenticated'; readonly caller: Caller }
  | { readonly outcome: 'rejected'; readonly reason: Reason; readonly detail?: string }
  /** Sound, but no proof by itself; the next credential decides, and where there is none, this is the refusal. */
  | { readonly outcome: 'insufficient'; readonly reason: Reason; readonly detail?: string };

export interface Authenticator {
  /**
   * Never throws for a bad credential: that is `rejected`.
   * @throws AuthorityError `dependency_unavailable` when it could not judge.
   */
  authenticate(
    presented: PresentedCredentials,
    options: { readonly signal: AbortSignal },
  ): Promise<AuthenticationResult>;
}
