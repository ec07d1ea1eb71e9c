// Who is asking, and how that was proven. Only an authenticator makes a Caller; where the operator's configuration asks for
// a certificate, for a control plane that reads its own from a Secret, it stands for the proof.
import type { KubernetesIdentity } from './kubernetes-identity.ts';

/**
 * How an identity was proven; the same words in journal, logs and metrics. `kubernetes-csr`: the API server authenticated
 * who made a CertificateSigningRequest, and nobody here proved for whom; the request is relayed. `pod-certificate`: the API
 * server admitted a PodCertificateRequest for the pod.
 */
export type AuthenticationMethod =
  'client-certificate' | 'token' | 'socket' | 'configuration' | 'kubernetes-csr' | 'pod-certificate';

/** What Kubernetes said of the pod behind a token; each part absent where the token has none. */
export interface PodBinding {
  readonly podName?: string;
  readonly podUid?: string;
  readonly nodeName?: string;
}

/**
 * What only the API server of a cluster can say of a caller; present for whoever it vouched for, so that it can be asked
 * whether the workload is still there.
 */
export interface Attestation {
  readonly serviceAccountUid?: string;
  /** The token's id, its claim `jti`; API servers log it as `authentication.kubernetes.io/credential-id`. */
  readonly tokenId?: string;
  /** Whether the API server itself confirmed the token, or could not be asked; absent where it is not to be asked. */
  readonly tokenReview?: 'confirmed' | 'unavailable';
}

/**
 * Where a renewed certificate began: the issuance that was last proved by a token or a socket. It survives
 * every renewal by certificate, and differs between two machines of one service account.
 */
export interface Lineage {
  /** Decision id of that issuance. */
  readonly id: string;
  /** When that proof was given, in ms since the epoch; `UNKNOWN_MS` where only others know. */
  readonly provenAtMs: number;
}

/** Older than any limit, so that what nobody here knows never counts as fresh, also where it is limited later. */
export const UNKNOWN_MS = 0;

/**
 * @param here the issuance that is being made for the caller.
 * @param forAnother whether the caller asked for another's certificate, as a node proxy does.
 * @returns where what is issued to the caller began. What was relayed began with a proof that only the relay has seen, or
 *   with one of the relay itself: it never counts as fresh here, so that nobody turns it into a proof of their own by
 *   renewing, and who has asked for a workload once has to prove its pod again.
 */
export function lineageOf(caller: Caller, here: Lineage, forAnother = false): Lineage {
  if (forAnother || caller.authenticationMethod === 'kubernetes-csr') return { ...here, provenAtMs: UNKNOWN_MS };
  return caller.authenticationMethod === 'client-certificate' ? caller.lineage : here;
}

interface Proven {
  readonly identity: KubernetesIdentity;
  /** The token's issuer, the certificate's serial number, the path of the socket, or the name of configuration key or issuer: never a secret. */
  readonly credentialId: string;
  readonly pod?: PodBinding;
  readonly attestation?: Attestation;
  /**
   * Id of the cluster that the caller is of, where it is another than this server's own. The same names in two clusters are
   * two workloads: whatever is remembered, counted or held for a caller is so for its cluster.
   */
  readonly remoteCluster?: string;
  /** When the proof itself ends, in ms since the epoch; streams are recycled before it. */
  readonly expiresAtMs?: number;
}

/** Whoever shows a token or a socket, or is known to the API server, begins a lineage, and so does what the configuration asks for. */
interface AuthenticatedCaller extends Proven {
  readonly authenticationMethod: Exclude<AuthenticationMethod, 'client-certificate'>;
}

/** A certificate of which nobody knows where it began proves nobody: it would count as a fresh proof. */
interface RenewingCaller extends Proven {
  readonly authenticationMethod: 'client-certificate';
  /** As its issuance is on record. */
  readonly lineage: Lineage;
  /** Hex SHA-256 of the anchor that it was issued under; absent where it is not of our own records. */
  readonly trustAnchor?: string;
}

export type Caller = AuthenticatedCaller | RenewingCaller;
