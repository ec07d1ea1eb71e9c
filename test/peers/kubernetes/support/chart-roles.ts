// What the chart lets Capstan do in a cluster, and nothing else: the servers of these tests have no other rights, so that the
// chart's roles are tried by everything that is tried here.
import type { ClusterObject } from './cluster-api.ts';
import { renderChart, type Values } from './chart.ts';

const ROLES: readonly string[] = ['ServiceAccount', 'ClusterRole', 'ClusterRoleBinding', 'Role', 'RoleBinding'];

export interface BoundTo {
  /** Of the release; `istio-system` unless said otherwise. */
  readonly namespace?: string;
  /** Who has the rights beside the chart's service account `capstan`: a user of the cluster. */
  readonly user?: string;
}

/** The roles with their namespaces, as the chart makes them of its values. @throws Error when there is no Helm. */
export function chartRoles(values: Values = {}, { namespace = 'istio-system', user }: BoundTo = {}): ClusterObject[] {
  const roles = renderChart(values, namespace).objects.filter(({ kind }) => ROLES.includes(kind));
  const places = new Set([namespace, ...roles.flatMap(({ metadata }) => metadata.namespace ?? [])]);
  return [
    ...[...places].map((name) => ({ apiVersion: 'v1', kind: 'Namespace', metadata: { name } })),
    ...roles.map((role) => (user === undefined ? role : withSubject(role, user))),
  ];
}

function withSubject(role: ClusterObject, user: string): ClusterObject {
  const { subjects } = role as { readonly subjects?: readonly unknown[] };
  const subject = { kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: user };
  return subjects === undefined ? role : { ...role, subjects: [...subjects, subject] };
}
