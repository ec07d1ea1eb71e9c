// Namespaces of these tests.
import type { ClusterObject } from './cluster-api.ts';

/** That a Capstan keeps its own in, where it is another than Istio's. */
export const OWN_NAMESPACE = 'capstan-system';
export const ISTIO_NAMESPACE = 'istio-system';

export function namespace(name: string, labels: Readonly<Record<string, string>> = {}): ClusterObject {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
}
