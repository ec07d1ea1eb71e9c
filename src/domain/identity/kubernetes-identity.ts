// The workload identity of a mesh: a Kubernetes service account, spelled as Istio spells it
// (`spiffe://<trust domain>/ns/<namespace>/sa/<service account>`).
import { isDnsLabel } from '../text/dns-label.ts';
import { SpiffeId } from './spiffe-id.ts';
import type { TrustDomain } from './trust-domain.ts';

export interface KubernetesIdentity {
  readonly spiffeId: SpiffeId;
  readonly trustDomain: TrustDomain;
  readonly namespace: string;
  readonly serviceAccount: string;
}

/** RFC 1123 subdomain, as Kubernetes demands of a service account. */
const SERVICE_ACCOUNT = /^(?=.{1,253}$)[a-z0-9]([a-z0-9-]*[a-z0-9])?(\.[a-z0-9]([a-z0-9-]*[a-z0-9])?)*$/;

/** @returns the identity, or the reason in words why these parts do not make one. */
export function kubernetesIdentity(
  trustDomain: TrustDomain,
  namespace: string,
  serviceAccount: string,
): KubernetesIdentity | { readonly problem: string } {
  if (!isDnsLabel(namespace)) return { problem: 'has a namespace that is not an RFC 1123 label' };
  if (!SERVICE_ACCOUNT.test(serviceAccount)) {
    return { problem: 'has a service account that is not an RFC 1123 subdomain' };
  }
  const spiffeId = SpiffeId.parse(`spiffe://${trustDomain}/ns/${namespace}/sa/${serviceAccount}`);
  return spiffeId instanceof SpiffeId ? { spiffeId, trustDomain, namespace, serviceAccount } : spiffeId;
}

/** @returns the Kubernetes identity that a SPIFFE ID spells, or the reason in words why it spells none. */
export function kubernetesIdentityOf(spiffeId: SpiffeId): KubernetesIdentity | { readonly problem: string } {
  const match = /^\/ns\/([^/]+)\/sa\/([^/]+)$/.exec(spiffeId.path);
  if (match?.[1] === undefined || match[2] === undefined) {
    return { problem: 'is not of the form spiffe://<trust domain>/ns/<namespace>/sa/<service account>' };
  }
  return kubernetesIdentity(spiffeId.trustDomain, match[1], match[2]);
}
