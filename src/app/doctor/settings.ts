// What the doctor has to know of a configuration: names, ports, audiences, and what Capstan is switched on to do in the cluster.
import type { Config } from '../../config/schema.ts';
import { FEATURES, type CapstanSettings, type Feature } from '../../review/doctor/facts.ts';

export interface Place {
  readonly namespace: string;
  /** Of its Service and its other objects. */
  readonly name: string;
  readonly serviceAccount: string;
}

export function settingsOf(config: Config, place: Place): CapstanSettings {
  const { from, tokens, trustedNodeAccounts, publish, leaseName, admission } = config.cluster.kubernetes;
  const { from: bundle } = config.policy.bundle;
  return {
    ...place,
    namespaces: {
      own: place.namespace,
      istiod: publish.istiodTls.namespace ?? place.namespace,
      remote: config.cluster.remote.secrets.namespace ?? place.namespace,
      bundle: bundle.namespace ?? place.namespace,
      certManager: [...new Set(certManagersOf(config).map(({ namespace }) => namespace ?? place.namespace))],
    },
    trustDomain: config.trustDomain,
    clusterId: config.cluster.id,
    dnsNames: config.serving.dnsNames,
    tlsPort: config.listen.tls.address.port,
    tokenIssuers: config.authentication.tokens.issuers.map(({ issuer, audiences }) => ({ issuer, audiences })),
    ...(from !== undefined && { apiServerAudiences: tokens.audiences }),
    trustedNodeAccounts: trustedNodeAccounts.map(String),
    features: featuresOf(config),
    names: {
      lease: [leaseName],
      roots: [publish.rootConfigMap.name],
      crls: [publish.crlConfigMap.name],
      trustBundleSigners: [...new Set(publish.clusterTrustBundles.map(({ signerName }) => signerName))],
      signers: [config.issuer, ...config.additionalIssuers].map(({ name }) => `capstan.dev/${name}`),
      webhook: [admission.configuration],
      bundleConfigMap: bundle.name !== undefined && bundle.kind === 'ConfigMap' ? [bundle.name] : [],
      bundleSecret: bundle.name !== undefined && bundle.kind === 'Secret' ? [bundle.name] : [],
    },
    longestLeafMs: config.lifetimes.max,
  };
}

function certManagersOf({ issuer, additionalIssuers }: Config) {
  return [issuer, ...additionalIssuers].flatMap(({ upstream }) => upstream?.certManager ?? []);
}

function featuresOf(config: Config): readonly Feature[] {
  const { kubernetes, remote } = config.cluster;
  const { from, publish, policies, events, signers, admission } = kubernetes;
  if (from === undefined) return [];
  const on: Readonly<Partial<Record<Feature, boolean>>> = {
    attestation: true,
    leader: true,
    rootConfigMap: publish.rootConfigMap.enabled,
    crlConfigMap: publish.crlConfigMap.enabled,
    clusterTrustBundle: publish.clusterTrustBundles.length > 0,
    istiodTls: publish.istiodTls.namespace !== undefined,
    policies,
    events,
    certificateSigningRequests: signers.certificateSigningRequests.requesters.length > 0,
    podCertificates: signers.podCertificates,
    admission: admission.address !== undefined,
    policyBundle: config.policy.bundle.from.name !== undefined,
    remoteSecrets: remote.secrets.namespace !== undefined,
    certManager: certManagersOf(config).length > 0,
    rogues: config.rogue.cluster !== 'none',
    rogueSecrets: config.rogue.cluster === 'all',
  };
  return FEATURES.filter((feature) => on[feature] === true);
}
