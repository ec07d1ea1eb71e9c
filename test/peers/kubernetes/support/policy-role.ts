// What a server may do that takes its policies from the cluster, with admission and Events: the rules of the chart, bound to a user.
import type { ClusterObject } from './cluster-api.ts';
import { chartObjects, type KubernetesValues } from './policy-manifests.ts';

/** Of the kubeconfig that the server is given. */
export const SERVER_USER = 'capstan';
const RBAC = 'rbac.authorization.k8s.io/v1';
const NAMESPACE = 'istio-system';

/** The namespace, and the roles of the user. */
export function serverRole(values: KubernetesValues): readonly ClusterObject[] {
  const roles = chartObjects('templates/rbac.yaml', values).filter(({ kind }) => kind === 'ClusterRole');
  const lease = {
    apiVersion: RBAC,
    kind: 'Role',
    metadata: { name: 'capstan-lease', namespace: NAMESPACE },
    rules: [{ apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['get', 'create', 'update'] }],
  };
  const bindings = [...roles, lease].map(({ kind, metadata }) => ({
    apiVersion: RBAC,
    kind: `${kind}Binding`,
    metadata,
    roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind, name: metadata.name },
    subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: SERVER_USER }],
  }));
  return [{ apiVersion: 'v1', kind: 'Namespace', metadata: { name: NAMESPACE } }, ...roles, lease, ...bindings];
}
