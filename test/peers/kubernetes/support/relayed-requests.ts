// CertificateSigningRequests as istiod makes and approves them for workloads of its mesh.
import { agentCsr } from '../../../support/certificates.ts';
import type { ClusterApi, ClusterObject } from './cluster-api.ts';

export const ISTIOD = { namespace: 'istio-system', name: 'istiod' };
export const WEB = 'spiffe://cluster.local/ns/shop/sa/web';
export const REQUESTS = '/apis/certificates.k8s.io/v1/certificatesigningrequests';
const USAGES = ['digital signature', 'key encipherment', 'server auth', 'client auth'];

export interface Csr extends ClusterObject {
  readonly status: {
    readonly certificate?: string;
    readonly conditions?: readonly { readonly type: string; readonly reason: string; readonly message: string }[];
  };
}

/** What the chart of Istio gives istiod with `global.certSigners`, and mallory in this test. */
export function requesterRoles(): readonly ClusterObject[] {
  const apiVersion = 'rbac.authorization.k8s.io/v1';
  const metadata = { name: 'requesters' };
  const apiGroups = ['certificates.k8s.io'];
  const rules = [
    {
      apiGroups,
      resources: [
        'certificatesigningrequests',
        'certificatesigningrequests/approval',
        'certificatesigningrequests/status',
      ],
      verbs: ['update', 'create', 'get', 'delete', 'watch'],
    },
    { apiGroups, resources: ['signers'], resourceNames: ['capstan.dev/default'], verbs: ['approve'] },
  ];
  const subjects = [
    { kind: 'ServiceAccount', ...ISTIOD },
    { kind: 'ServiceAccount', namespace: 'shop', name: 'mallory' },
  ];
  const roleRef = { apiGroup: 'rbac.authorization.k8s.io', kind: 'ClusterRole', name: 'requesters' };
  return [
    { apiVersion, kind: 'ClusterRole', metadata, rules },
    { apiVersion, kind: 'ClusterRoleBinding', metadata, roleRef, subjects },
  ];
}

export async function createRequest(api: ClusterApi, spec: object, identity = WEB): Promise<Csr> {
  const { pem } = await agentCsr(identity);
  return api.ask<Csr>('POST', REQUESTS, {
    apiVersion: 'certificates.k8s.io/v1',
    kind: 'CertificateSigningRequest',
    metadata: { generateName: 'csr-workload-', labels: { of: 'istiod' } },
    spec: { signerName: 'capstan.dev/default', usages: USAGES, request: Buffer.from(pem).toString('base64'), ...spec },
  });
}

/** As istiod does: creates, approves. @returns how to read it. */
export async function requestSigning(api: ClusterApi, spec: object, identity = WEB): Promise<() => Promise<Csr>> {
  const made = await createRequest(api, spec, identity);
  const at = `${REQUESTS}/${made.metadata.name}`;
  const approved = { type: 'Approved', status: 'True', reason: 'approved', message: 'approved' };
  await api.ask('PUT', `${at}/approval`, { ...made, status: { conditions: [approved] } });
  return async () => api.ask<Csr>('GET', at);
}
