// What can be seen of an installation: Capstan's own objects, Istio's, and the trust material in between. Certificates are told by
// what they say; no key, no token and no other content of a Secret is part of it.

/** A fact, or why it could not be seen: not allowed, not reached, not there to be asked. */
export type Seen<T> = { readonly known: T } | { readonly unknown: string };

export interface CertificateSummary {
  readonly subject: string;
  /** SHA-256, hex in pairs. */
  readonly sha256: string;
  readonly dnsNames: readonly string[];
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  readonly ca: boolean;
}

/** What pods mount of a ConfigMap and cannot have. */
export interface MissingMount {
  /** As `namespace/name`. */
  readonly configMap: string;
  /** The one that it lacks; absent: the ConfigMap is not there. */
  readonly key?: string;
}

/** A Deployment of istiod. */
export interface Istiod {
  readonly namespace: string;
  readonly name: string;
  /** Empty for the default revision. */
  readonly revision: string;
  readonly env: Readonly<Record<string, string>>;
}

/** What istiod puts into pods, from its ConfigMap `istio-sidecar-injector`. */
export interface Injection {
  readonly namespace: string;
  readonly revision: string;
  /** Empty: istiod's own address. */
  readonly caAddress: string;
  readonly pilotCertProvider: string;
  readonly tokenAudience: string;
}

export interface Mesh {
  readonly namespace: string;
  readonly revision: string;
  readonly trustDomain: string;
}

export interface Ztunnel {
  readonly namespace: string;
  readonly name: string;
  readonly serviceAccount: string;
  /** Absent: the chart's default, istiod. */
  readonly caAddress?: string;
}

/** The Secret `istiod-tls` of a namespace that has an istiod. */
export interface IstiodTls {
  readonly namespace: string;
  /** Leaf first. Absent: there is no such Secret, or no certificate in it. */
  readonly chain?: readonly CertificateSummary[];
  /** SHA-256 of the roots in its `ca.crt`. */
  readonly roots: readonly string[];
  /** Why the chain does not lead to a root of Capstan's; absent when it does. */
  readonly chainProblem?: string;
}

export interface RootConfigMap {
  readonly namespace: string;
  /** SHA-256 of its roots; absent when the namespace has no such ConfigMap. */
  readonly roots?: readonly string[];
  /** Field managers that own its data. */
  readonly writers: readonly string[];
}

export interface CrlConfigMap {
  readonly namespace: string;
  /** When the first of its lists lapses, in ms since the epoch; absent when it has none. */
  readonly untilMs?: number;
  /** Why its text is no list that proxies could use, in words that follow the object. */
  readonly problem?: string;
  /** Field managers that own its text. */
  readonly writers: readonly string[];
}

export interface MeshNamespace {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
}

export interface Webhook {
  readonly kind: string;
  readonly name: string;
  /** Who is called, as `namespace/name`. */
  readonly service: string;
  /** SHA-256 of the roots in its `caBundle`. */
  readonly roots: readonly string[];
}

/** What answered at a TLS port. */
export interface ServedTls {
  readonly address: string;
  /** Leaf first. Absent: nothing answered. */
  readonly chain?: readonly CertificateSummary[];
  /** Why nothing answered, in words. */
  readonly problem?: string;
}

export interface ClockOf {
  readonly of: string;
  /** How far it is ahead of this machine's, in ms. */
  readonly aheadMs: number;
}
