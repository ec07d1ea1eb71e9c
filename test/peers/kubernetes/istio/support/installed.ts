// What Capstan is given, and keeps, in the clusters of these tests: its configuration, and what the kubelet would
// mount of what it published.
import { ChartAccount, type Settings } from '../../support/chart-account.ts';
import type { KubernetesCluster } from '../../support/cluster.ts';
import { ISTIO_NAMESPACE, OWN_NAMESPACE } from '../../support/namespaces.ts';
import type { IstiodTls } from './istiod.ts';

/** Of the policy that a server here needs for istiod's certificate. */
export const CLASSES = {
  classes: [{ class: 'control-plane', namespaces: [ISTIO_NAMESPACE], serviceAccounts: ['istiod'] }],
};
export const CONTROL_PLANE = {
  bounds: { dnsNames: ['*.istio-system.svc'] },
  more: { match: { classes: ['control-plane'], namespaces: { names: [ISTIO_NAMESPACE] } } },
};

/** As `RunningServer` takes it, with what the chart lets such a server do. @param more keys below `cluster.kubernetes`. */
export async function configuration(cluster: KubernetesCluster, more: Settings = {}): Promise<Settings> {
  const given = Object.entries({ 'publish.istiodTls.namespace': ISTIO_NAMESPACE, ...more });
  const account = await ChartAccount.make(
    cluster,
    {
      'authentication.tokens.issuers': [],
      'sds.sockets': [],
      'lifetimes.backdate': '2s',
      ...Object.fromEntries(given.map(([key, value]) => [`cluster.kubernetes.${key}`, value])),
    },
    { namespace: OWN_NAMESPACE },
  );
  return account.settings;
}

/** The roots in a namespace's `istio-ca-root-cert`. */
export async function rootsIn(cluster: KubernetesCluster, namespace: string): Promise<string | undefined> {
  const metadata = { name: 'istio-ca-root-cert', namespace };
  const map = await cluster.api.get({ apiVersion: 'v1', kind: 'ConfigMap', metadata });
  return (map?.['data'] as Readonly<Record<string, string>> | undefined)?.['root-cert.pem'];
}

export async function istiodTls(cluster: KubernetesCluster): Promise<IstiodTls | undefined> {
  const metadata = { name: 'istiod-tls', namespace: ISTIO_NAMESPACE };
  const secret = await cluster.api.get({ apiVersion: 'v1', kind: 'Secret', metadata });
  if (secret === undefined) return undefined;
  const data = secret['data'] as Readonly<Record<keyof IstiodTls, string>>;
  const text = (key: keyof IstiodTls): string => Buffer.from(data[key], 'base64').toString('utf8');
  return { 'tls.crt': text('tls.crt'), 'tls.key': text('tls.key'), 'ca.crt': text('ca.crt') };
}
