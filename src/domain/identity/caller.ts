// Who is asking, and how that was proven. Only an authenticator makes a Caller.
import type { KubernetesIdentity } from './kubernetes-identity.ts';

/** How an identity was proven; the same words in journal, logs and metrics. */
export type ProvenBy = 'client-certificate' | 'token' | 'socket';

/** What Kubernetes said of the pod behind a token; each part absent where the token has none. */
export interface PodBinding {
  readonly podName?: string;
  readonly podUid?: string;
  readonly nodeName?: string;
}

/**
 * Where a renewed certificate began: the issuance that was last proved by a token or a socket. It survives
 * every renewal by certificate, and differs between two machines of one service account.
 */
export interface Lineage {
  /** Decision id of that issuance. */
  readonly id: string;
  /** When that proof was given, in ms since the epoch. */
  readonly provenAtMs: number;
}

/**
 * @param here the issuance that is being made for the caller.
 * @returns where what is issued to the caller began.
 * @throws Error for a certificate of which nobody knows where it began: it would count as a fresh proof.
 */
export function lineageOf({ provenBy, lineage }: Caller, here: Lineage): Lineage {
  if (provenBy !== 'client-certificate') return here;
  if (lineage === undefined) throw new Error('a client certificate without a lineage proves nobody');
  return lineage;
}

export interface Caller {
  readonly identity: KubernetesIdentity;
  readonly provenBy: ProvenBy;
  /** The token's issuer, the certificate's serial number or the socket's path: never a secret. */
  readonly evidence: string;
  readonly pod?: PodBinding;
  /** Only of a client certificate, as its issuance is on record; whoever shows a token or a socket begins one. */
  readonly lineage?: Lineage;
  /** When the proof itself ends, in ms since the epoch; streams are recycled before it. */
  readonly expiresAtMs?: number;
}
