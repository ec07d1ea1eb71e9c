// What a Capstan that signs for the Kubernetes API may do there: the chart's roles.
import { chartRoles } from './chart-roles.ts';
import type { ClusterObject } from './cluster-api.ts';

/** Started with the cluster: `users: { [SIGNER_USER]: [] }`. */
export const SIGNER_USER = 'capstan';

export function signerRoles(): readonly ClusterObject[] {
  const signers = {
    certificateSigningRequests: { requesters: ['system:serviceaccount:istio-system:istiod'] },
    podCertificates: true,
  };
  return chartRoles({ config: { cluster: { kubernetes: { signers } } } }, { user: SIGNER_USER });
}
