// What the chart lets Capstan do in a cluster, and nothing else.
import type { ClusterObject } from './cluster-api.ts';
import { renderChart, type Values } from './chart.ts';

const ROLES: readonly string[] = ['ServiceAccount', 'ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding'];

/** The account, its roles and their namespaces, as the chart makes them of its values. @throws Error when there is no Helm. */
export function chartRoles(values: Values = {}, namespace = 'istio-system'): readonly ClusterObject[] {
  const roles = renderChart(values, namespace).objects.filter(({ kind }) => ROLES.includes(kind));
  const places = new Set([namespace, ...roles.flatMap(({ metadata }) => metadata.namespace ?? [])]);
  return [...[...places].map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })), ...roles];
}
