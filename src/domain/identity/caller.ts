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

export interface Caller {
  readonly identity: KubernetesIdentity;
  readonly provenBy: ProvenBy;
  /** The token's issuer, the certificate's serial number or the socket's path: never a secret. */
  readonly evidence: string;
  readonly pod?: PodBinding;
  /** When the proof itself ends, in ms since the epoch; streams are recycled before it. */
  readonly expiresAtMs?: number;
}
