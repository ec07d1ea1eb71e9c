// What the doctor has to know of a configuration: names, ports, audiences, and what Capstan is switched on to do in the cluster.
import type { Config } from '../../config/schema.ts';
import type { CapstanSettings, Feature } from '../../review/doctor/facts.ts';

export interface Place {
  readonly namespace: string;
  /** Of its Service and its other objects. */
  readonly name: string;
  readonly serviceAccount: string;
}

export function settingsOf(config: Config, place: Place): CapstanSettings {
  const { kubernetes } = config.cluster;
  const connected = kubernetes.from !== undefined;
  return {
    ...place,
    trustDomain: config.trustDomain,
    clusterId: config.cluster.id,
    dnsNames: config.serving.dnsNames,
    tlsPort: config.listen.tls.address.port,
    tokenIssuers: config.authentication.tokens.issuers.map(({ issuer, audiences }) => ({ issuer, audiences })),
    ...(connected && { apiServerAudiences: ['istio-ca'] }),
    trustedNodeAccounts: ['istio-system/ztunnel'],
    features: featuresOf(config),
    longestLeafMs: config.lifetimes.max,
  };
}

function featuresOf({ cluster: { kubernetes } }: Config): readonly Feature[] {
  return kubernetes.from === undefined ? [] : ['attestation', 'leader'];
}
