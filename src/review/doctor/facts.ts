// What the doctor is handed: what Capstan is configured to be, what answers at its port, and what the cluster and Istio say.
// No private key, token or CSR is ever part of it, so it can be sent to a maintainer as it stands.
import type {
  CertificateSummary,
  ClockOf,
  CrlConfigMap,
  Injection,
  Istiod,
  IstiodTls,
  Mesh,
  MeshNamespace,
  MissingMount,
  RootConfigMap,
  Seen,
  ServedTls,
  Webhook,
  Ztunnel,
} from '../../adapters/kubernetes/diagnosis/installation.ts';
import type { PolicyBundle } from '../../domain/policy/documents.ts';

export interface CapstanSettings {
  readonly namespace: string;
  /** Of its Service, and of its objects. */
  readonly name: string;
  readonly serviceAccount: string;
  /**
   * Its own, that of the Secret `istiod-tls`, that of Secrets with kubeconfigs of further clusters, that of the policy bundle; those in
   * which intermediates are asked for.
   */
  readonly namespaces: Readonly<Record<'own' | 'istiod' | 'remote' | 'bundle', string>> &
    Readonly<Record<'certManager', readonly string[]>>;
  readonly trustDomain: string;
  readonly clusterId: string;
  /** Of its own certificate. */
  readonly dnsNames: readonly string[];
  /** Of the Service. */
  readonly tlsPort: number;
  /** Names of token issuers with the audiences that each has; empty when the API server is asked instead. */
  readonly tokenIssuers: readonly { readonly issuer: string; readonly audiences: readonly string[] }[];
  /** Audiences of tokens of the API server that Capstan is connected to; absent when it is connected to none. */
  readonly apiServerAudiences?: readonly string[];
  /** `namespace/serviceAccount`. */
  readonly trustedNodeAccounts: readonly string[];
  /** What Capstan is switched on to do in the cluster: rights follow from it. */
  readonly features: readonly Feature[];
  readonly names: ObjectNames;
  /** Longest lifetime of a leaf, in ms. */
  readonly longestLeafMs: number;
}

/** Objects whose names the configuration gives. */
export interface ObjectNames {
  readonly lease: readonly string[];
  /** ConfigMaps of the roots. */
  readonly roots: readonly string[];
  /** ConfigMaps of revocation lists. */
  readonly crls: readonly string[];
  readonly trustBundleSigners: readonly string[];
  /** One for each issuer. */
  readonly signers: readonly string[];
  readonly webhook: readonly string[];
  /** The policy bundle, where it is an object of either kind. */
  readonly bundleConfigMap: readonly string[];
  readonly bundleSecret: readonly string[];
}

export const FEATURES = [
  'attestation',
  'policies',
  'events',
  'rootConfigMap',
  'crlConfigMap',
  'clusterTrustBundle',
  'istiodTls',
  'certificateSigningRequests',
  'podCertificates',
  'admission',
  'remoteSecrets',
  'policyBundle',
  'certManager',
  'leader',
  'rogues',
  'rogueSecrets',
] as const;
export type Feature = (typeof FEATURES)[number];

/** A right that Capstan's service account was asked about. */
export interface AskedRight {
  readonly feature: Feature;
  readonly verb: string;
  readonly group: string;
  readonly resource: string;
  readonly namespace?: string;
  readonly name?: string;
  readonly allowed: boolean;
}

/** A part of the server that is not well. */
export interface ReportedPart {
  readonly part: string;
  readonly why: string;
}

export interface BundleFacts {
  /** Absent: it does not parse. */
  readonly bundle?: PolicyBundle;
  /** Of the signatures and the form. */
  readonly problems: readonly string[];
}

export interface DoctorFacts {
  readonly nowMs: number;
  readonly settings: CapstanSettings;
  readonly served: Seen<ServedTls>;
  /** What `/readyz` says is wrong. */
  readonly health: Seen<{ readonly unready: readonly ReportedPart[]; readonly degraded: readonly ReportedPart[] }>;
  /** Capstan's trust anchors. */
  readonly anchors: Seen<readonly CertificateSummary[]>;
  readonly bundle: Seen<BundleFacts>;
  /** Of Capstan's pods. */
  readonly missingMounts: Seen<readonly MissingMount[]>;
  /** The object that `policy.bundle.from` names, when it is not there; nothing for a bundle in a file. */
  readonly missingBundle?: string;
  /** How far the clock of each is ahead of this machine's, in ms. */
  readonly clocks: Seen<readonly ClockOf[]>;
  /** The `iss` of the API server's tokens. */
  readonly apiServerIssuer: Seen<string>;
  readonly istiods: Seen<readonly Istiod[]>;
  readonly injections: Seen<readonly Injection[]>;
  readonly meshes: Seen<readonly Mesh[]>;
  readonly ztunnels: Seen<readonly Ztunnel[]>;
  readonly istiodTls: Seen<readonly IstiodTls[]>;
  readonly rootConfigMaps: Seen<readonly RootConfigMap[]>;
  /** Of every namespace that has one. */
  readonly crlConfigMaps: Seen<readonly CrlConfigMap[]>;
  /** With a label that brings its pods into the mesh. */
  readonly meshNamespaces: Seen<readonly MeshNamespace[]>;
  readonly webhooks: Seen<readonly Webhook[]>;
  readonly rights: Seen<readonly AskedRight[]>;
  /** NetworkPolicies that select Capstan's pods and let nobody in at its TLS port. */
  readonly closingPolicies: Seen<readonly string[]>;
  /** Whether its Service has an endpoint that is ready. */
  readonly endpoints: Seen<number>;
}
