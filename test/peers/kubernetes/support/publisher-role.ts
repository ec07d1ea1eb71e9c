// What a server that publishes may do in the cluster, and nothing else: docs/kubernetes.md says why each is needed.
import type { ClusterObject } from './cluster-api.ts';

/** Of the kubeconfig that the server is given. */
export const PUBLISHER = 'capstan';
/** That Capstan keeps its own in. */
export const OWN_NAMESPACE = 'capstan-system';
export const ISTIO_NAMESPACE = 'istio-system';

const RBAC = 'rbac.authorization.k8s.io/v1';

interface Rule {
  readonly apiGroups: readonly string[];
  readonly resources: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly verbs: readonly string[];
}

const SEE = ['get', 'list', 'watch'];
const KEEP = [...SEE, 'create', 'patch', 'delete'];

/** Everywhere. */
const CLUSTER_RULES: readonly Rule[] = [
  { apiGroups: [''], resources: ['namespaces', 'pods', 'serviceaccounts'], verbs: SEE },
  { apiGroups: [''], resources: ['configmaps'], resourceNames: ['istio-ca-root-cert'], verbs: KEEP },
  { apiGroups: ['certificates.k8s.io'], resources: ['clustertrustbundles'], verbs: KEEP },
  {
    apiGroups: ['certificates.k8s.io'],
    resources: ['signers'],
    resourceNames: ['capstan.dev/mesh', 'istio.io/istiod-ca'],
    verbs: ['attest'],
  },
];
const LEASE_RULES: readonly Rule[] = [
  { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['get', 'create', 'update'] },
];
const SECRET_RULES: readonly Rule[] = [
  {
    apiGroups: [''],
    resources: ['secrets'],
    resourceNames: ['istiod-tls'],
    verbs: ['get', 'create', 'update', 'patch'],
  },
];

/** The namespaces, and the roles of the user. */
export function publisherRole(): readonly ClusterObject[] {
  return [
    namespace(OWN_NAMESPACE),
    namespace(ISTIO_NAMESPACE),
    ...bound('ClusterRole', 'capstan', CLUSTER_RULES),
    ...bound('Role', 'capstan-lease', LEASE_RULES, OWN_NAMESPACE),
    ...bound('Role', 'capstan-istiod-tls', SECRET_RULES, ISTIO_NAMESPACE),
  ];
}

export function namespace(name: string, labels: Readonly<Record<string, string>> = {}): ClusterObject {
  return { apiVersion: 'v1', kind: 'Namespace', metadata: { name, labels } };
}

function bound(kind: 'ClusterRole' | 'Role', name: string, rules: readonly Rule[], within?: string): ClusterObject[] {
  const metadata = { name, ...(within !== undefined && { namespace: within }) };
  return [
    { apiVersion: RBAC, kind, metadata, rules },
    {
      apiVersion: RBAC,
      kind: `${kind}Binding`,
      metadata,
      roleRef: { apiGroup: 'rbac.authorization.k8s.io', kind, name },
      subjects: [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: PUBLISHER }],
    },
  ];
}
