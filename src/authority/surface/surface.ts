// What the edges may ask of the CA. The gRPC services and the signers of the Kubernetes API speak to these interfaces and
// to nothing else of this floor.
import type { Caller, PodBinding } from '../../domain/identity/caller.ts';
import type { AuthorityError } from '../../domain/errors.ts';
import type { KubernetesIdentity } from '../../domain/identity/kubernetes-identity.ts';
import type { WholeValidity } from '../../domain/issuance/lifetime.ts';
import type { SpiffeId } from '../../domain/identity/spiffe-id.ts';
import type { TrustBundle } from '../../domain/trust/bundle.ts';
import type { PresentedCredentials } from '../../ports/issuing/authenticator.ts';

/** A CSR request whose fields are decoded but not yet judged. */
export interface CsrRequest {
  readonly csrPem: string;
  /** Zero or less asks for the default. */
  readonly validitySeconds: bigint;
  readonly impersonatedIdentity?: string;
}

/** The answer to a CSR: every PEM ends with a newline. */
export interface IssuedChain {
  readonly leafPem: string;
  /** Our intermediate and whatever stands between it and the anchors, upwards. */
  readonly intermediatePems: readonly string[];
  /** All trust anchors as one canonical string. */
  readonly bundlePem: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly decisionId: string;
}

export interface CsrAuthority {
  /**
   * Authenticates, decodes, judges, signs and records; the record is durable before this resolves.
   * `decode` runs after authentication, so that a stranger learns nothing about formats.
   * @throws AuthorityError with its `decisionId` set, for every refusal.
   */
  answerCsr(
    presented: PresentedCredentials,
    decode: () => CsrRequest,
    options: { readonly signal: AbortSignal },
  ): Promise<IssuedChain>;
}

/** What asks for a certificate is an object of the Kubernetes API server, which waits there for its signer. */
interface SigningObject {
  /** Kind and name, for the record: `certificatesigningrequests/csr-workload-x2k9d`. */
  readonly object: string;
  /** The issuer that its signer's name names: no other signs. */
  readonly issuerName: string;
}

export interface RelayedRequest extends SigningObject {
  /** Who made the object, as the API server authenticated it: `system:serviceaccount:istio-system:istiod`. */
  readonly requester: string;
}

/** The part of a relayed request that is decoded when its requester is known. */
export interface RelayedOrder {
  /** It alone says for whom the certificate is: nobody here has seen a proof of that. */
  readonly csrPem: string;
  /** Zero or less asks for the default. */
  readonly requestedMs: number;
}

export interface PodRequest extends SigningObject {
  /** The service account that the pod is said to run as. */
  readonly identity: KubernetesIdentity;
  readonly serviceAccountUid: string;
  readonly pod: Required<PodBinding>;
}

/** The part of a pod's request that is decoded when its pod is known. */
export interface PodOrder {
  readonly csrDer: Uint8Array;
  /** Least and most that the API server takes. */
  readonly whole: WholeValidity;
}

/** Both judge, sign and record as the CSR API does, and throw as it does. */
export interface SigningAuthority {
  /**
   * For another, on the word of a listed requester: policy sees it as the actor, and nothing of a pod.
   * @throws AuthorityError with its `decisionId` set, for every refusal.
   */
  answerRelayed(
    request: RelayedRequest,
    decode: () => RelayedOrder,
    options: { readonly signal: AbortSignal },
  ): Promise<IssuedChain>;
  /** For a pod that is there as the request says, whose kubelet asks. @throws AuthorityError with its `decisionId` set, for every refusal. */
  answerPod(
    request: PodRequest,
    decode: () => PodOrder,
    options: { readonly signal: AbortSignal },
  ): Promise<IssuedChain>;
}

/** A certificate with its key, for one identity; the key exists in memory only. */
export interface WorkloadSvid {
  readonly identity: SpiffeId;
  /** Leaf, then intermediates; no trust anchor. */
  readonly certificateChainPem: string;
  /** PKCS#8, unencrypted. */
  readonly privateKeyPem: string;
  /** Which issuer signed it, as policies call it. */
  readonly issuerName: string;
  /** On which it hangs, as hex SHA-256. */
  readonly trustAnchor: string;
  readonly serial: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

export type SvidState =
  | { readonly kind: 'svid'; readonly svid: WorkloadSvid }
  /** Refused or not possible now; a later state may carry the SVID. */
  | { readonly kind: 'unavailable'; readonly error: AuthorityError };

/** One who watches, as it was proven when it came. */
export interface Watcher {
  readonly caller: Caller;
  readonly remoteAddress: string;
  /** When the proof was given, in ms since the epoch: a certificate that comes later is worth no more than it. */
  readonly provenAtMs: number;
}

/** Those who watch the secrets of one workload together; all of them have one `workloadKey`. */
export interface Watchers {
  /** Whose proof came last and still holds; nothing when nobody's does. Asked again for every certificate. */
  proven(): Watcher | undefined;
}

/** Workloads that are not there any more, as their cluster says, or that are banned. */
export interface GoneCallers {
  /** All of them are of it; absent, they may be of any. */
  readonly namespace?: string;
  concerns(caller: Caller): boolean;
  /** What their streams end with. */
  readonly error: AuthorityError;
}

export interface WorkloadSecrets {
  /**
   * Who opened this stream. A refusal is recorded.
   * @throws AuthorityError
   */
  authenticate(presented: PresentedCredentials, options: { readonly signal: AbortSignal }): Promise<Watcher>;
  /**
   * The states of the SVID of one workload, newest only: a slow reader misses what is superseded. One certificate
   * for all that are one workload (`workloadKey`), each renewal judged and recorded with the proof of one who
   * watches then; nobody watching means nothing is renewed. Ends (returns) when the signal aborts, and lasts until
   * it does.
   * @throws AuthorityError CAP-S09 when nobody's proof holds any more, CAP-Q01 when there is no room.
   */
  watchSvid(watchers: Watchers, options: { readonly signal: AbortSignal }): AsyncIterable<SvidState>;
  /** Calls `listener` when a workload is gone or banned: the streams of its callers are to end. Until the signal aborts. */
  onGone(listener: (gone: GoneCallers) => void, options: { readonly signal: AbortSignal }): void;
  /** The bundle in force, then each later one, newest only. Ends when the signal aborts. */
  watchBundle(options: { readonly signal: AbortSignal }): AsyncIterable<TrustBundle>;
}
