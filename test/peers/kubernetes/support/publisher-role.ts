// What a server that publishes may do in the cluster: the chart's roles.
import { chartRoles } from './chart-roles.ts';
import type { ClusterObject } from './cluster-api.ts';

/** Of the kubeconfig that the server is given. */
export const PUBLISHER = 'capstan';
/** That Capstan keeps its own in. */
export const OWN_NAMESPACE = 'capstan-system';
export const ISTIO_NAMESPACE = 'istio-system';

/** The namespaces, and the roles of the user. */
export function publisherRole(): readonly ClusterObject[] {
  const publish = {
    istiodTls: { namespace: ISTIO_NAMESPACE },
    clusterTrustBundles: [
      { signerName: 'capstan.dev/mesh', name: 'roots' },
      { signerName: 'istio.io/istiod-ca', name: 'istio-ca-root-cert' },
    ],
  };
  return chartRoles(
    { config: { cluster: { kubernetes: { publish } } } },
    { namespace: OWN_NAMESPACE, user: PUBLISHER },
  );
}

export function namespace(name: string, labels: Readonly<Record<string, string>> = {}): ClusterObject {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
}
