// What a Capstan that signs for the Kubernetes API must be allowed there, verb by verb, and nothing else.
import type { ClusterObject } from './cluster-api.ts';

/** Started with the cluster: `users: { [SIGNER_USER]: [] }`. */
export const SIGNER_USER = 'capstan';

export function signerRoles(): readonly ClusterObject[] {
  const apiVersion = 'rbac.authorization.k8s.io/v1';
  const metadata = { name: 'capstan-signer' };
  const apiGroups = ['certificates.k8s.io'];
  const requests = ['certificatesigningrequests', 'podcertificaterequests'];
  const rules = [
    { apiGroups: [''], resources: ['namespaces', 'pods', 'serviceaccounts'], verbs: ['get', 'list', 'watch'] },
    { apiGroups, resources: requests, verbs: ['get', 'list', 'watch'] },
    { apiGroups, resources: requests.map((name) => `${name}/status`), verbs: ['update'] },
    { apiGroups, resources: ['signers'], resourceNames: ['capstan.dev/default'], verbs: ['sign'] },
    { apiGroups: ['coordination.k8s.io'], resources: ['leases'], verbs: ['get', 'create', 'update'] },
  ];
  const subjects = [{ kind: 'User', apiGroup: 'rbac.authorization.k8s.io', name: SIGNER_USER }];
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: metadata.name };
  return [
    { apiVersion, kind: 'ClusterRole', metadata, rules },
    { apiVersion, kind: 'ClusterRoleBinding', metadata, roleRef, subjects },
  ];
}
