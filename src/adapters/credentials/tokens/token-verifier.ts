// The one thing about bearer tokens that can be done in more than one way: finding out whether a token is good and
// which workload it is of. `jwt-verifier.ts` does it with the published keys of the token's issuer, `clusters/` with what
// the API server of a cluster says.
import type { Attestation, PodBinding } from '../../../domain/identity/caller.ts';
import type { KubernetesIdentity } from '../../../domain/identity/kubernetes-identity.ts';

/** What a good token says of the workload that shows it. */
export interface WorkloadClaims {
  readonly identity: KubernetesIdentity;
  /** Absent for a token that is bound to no pod. */
  readonly pod?: PodBinding;
  /** Who vouches for the token; goes on record as the caller's `credentialId`. */
  readonly issuer: string;
  /** The token's own end, in ms since the epoch. */
  readonly expiresAtMs: number;
  /** As `Caller.attestation`: only where the API server of a cluster that is watched vouches for the token. */
  readonly attestation?: Attestation;
  /** As `Caller.remoteCluster`. */
  readonly remoteCluster?: string;
}

/** Why a token is refused; each is UNAUTHENTICATED. */
export type TokenRefusal = 'CAP-A05' | 'CAP-A06' | 'CAP-A13' | 'CAP-A14';

export type TokenVerdict =
  | {
      readonly outcome: 'verified';
      readonly claims: WorkloadClaims;
      /**
       * Whether what the token was verified by is still in force. Asked each time that the verdict is used again, for a
       * minute at most, so it must cost nothing and never throws.
       */
      readonly isInForce: () => boolean;
    }
  | {
      readonly outcome: 'refused';
      /**
       * CAP-A05: the token does not verify. CAP-A06: it does, and is of no workload. CAP-A13: of no pod. CAP-A14: the
       * request names no cluster that is known.
       */
      readonly reason: TokenRefusal;
      /** Safe for the caller: nothing of the token in it. */
      readonly detail: string;
    };

export interface TokenContext {
  readonly signal: AbortSignal;
  /** The request's `clusterid`, which the client chose: it tells whose tokens these are said to be, and proves nothing. */
  readonly clusterId?: string;
}

export interface TokenVerifier {
  /**
   * @param token as the header carried it, within `MAX_TOKEN_CHARACTERS`; untrusted.
   * @returns a verdict. A token that is bad in any way is `refused`, never an error.
   * @throws AuthorityError CAP-S05 when the token could not be judged, or the signal's reason.
   */
  verify(token: string, context: TokenContext): Promise<TokenVerdict>;
}
