// What a policy is asked: everything a decision may depend on, but the policies and the snapshot.
import type { PodName, SubjectPod } from './subject-pods.ts';

/** What a certificate is for. Fixed: rules name classes, so that a gateway and a pod never share one by accident. */
export const ISSUANCE_CLASSES = ['workload', 'gateway', 'waypoint', 'control-plane', 'self', 'intermediate'] as const;
export type IssuanceClass = (typeof ISSUANCE_CLASSES)[number];

/** What the credential of who asks says beside the identity; conditions of kind `claim` read it. */
export const CLAIMS = ['authenticationMethod', 'credentialId', 'podName', 'podUid', 'nodeName'] as const;
export type ClaimName = (typeof CLAIMS)[number];

/** The unexpired certificate that an identity has already: asking again is a renewal. */
export interface CurrentCertificate {
  readonly issuedMs: number;
  readonly notAfterMs: number;
  /** Conditions that did not hold when it was issued, by their key, and when each last held. */
  readonly waived: Readonly<Record<string, number>>;
}

export interface IssuerChoice {
  /**
   * `only`: no other is configured. `first-allowed`: the first, in the order of the configuration, that policy lets the
   * subject have. `none-allowed`: the default one, for policy to refuse. `named`: the request named it, and policy lets
   * the subject have it or refuses. `own`: of a certificate that no policy is asked for.
   */
  readonly why: 'only' | 'first-allowed' | 'none-allowed' | 'named' | 'own';
  /** The policies that limit the subject's issuers, as in PolicyDecision.applied. */
  readonly limitedBy: readonly string[];
}

export interface PolicyRequest {
  /** The attested workload: whose name the certificate will carry. */
  readonly subject: {
    readonly trustDomain: string;
    readonly namespace: string;
    readonly serviceAccount: string;
    readonly spiffeId: string;
    /** Id of its cluster, where it is another than the server's own: nothing is seen of it here, and it is counted apart. */
    readonly remoteCluster?: string;
  };
  /** `namespace/serviceAccount` of who relays the request; absent when it is the subject itself. */
  readonly actor?: string;
  /** The pods that will have the certificate; absent when who asks is the subject itself, whose pod the claims name. */
  readonly pods?: readonly PodName[];
  /** What is on record of these pods, in place of what the snapshot has of them: for a replay. */
  readonly recordedPods?: readonly SubjectPod[];
  readonly key: {
    /** As in KEY_TYPES. */
    readonly type: string;
    /** Of an RSA modulus; 0 for other types. */
    readonly bits: number;
  };
  /** Zero asks for the default. */
  readonly requestedTtlMs: number;
  readonly dnsNames: readonly string[];
  readonly claims: Readonly<Partial<Record<ClaimName, string>>>;
  readonly issuer: {
    /** As the configuration calls it. */
    readonly name: string;
    /** SHA-256 digests, hex, of the trust anchors in force. */
    readonly anchors: readonly string[];
    /** How long it can still sign, in ms. */
    readonly remainingMs: number;
    /** How many CAs its certificate allows below it, Infinity where it sets no path length; absent where that is not known, as in a replay. */
    readonly pathLength?: number;
    /** Why it cannot sign now, safe for the caller; absent when it can. */
    readonly unavailable?: string;
    /** Present where that is because operators suspended, tainted or retired it. */
    readonly withdrawn?: string;
    /** Why it was chosen, for the record; means nothing to policy. Absent where no choice was made, as in a replay. */
    readonly choice?: IssuerChoice;
  };
  readonly currentCertificate?: CurrentCertificate;
  /** The one clock reading that a decision may depend on. */
  readonly nowMs: number;
  /** How long the cluster has not been followed, in ms, for the record; means nothing to policy. Absent while it is. */
  readonly clusterStaleMs?: number;
  /** A later moment by which the bundle's validity is judged, when the clock has been set back; absent, it is `nowMs`. */
  readonly policyBundleTimeMs?: number;
}
