// Rules about the signers of the Kubernetes API.
import { kubernetesIdentity } from '../../domain/identity/kubernetes-identity.ts';
import type { Rule } from './rules.ts';

/** Kubernetes API, PodCertificateRequest: the server takes no shorter certificate. */
const LEAST_POD_CERTIFICATE_MS = 3_600_000;

const FROM = 'cluster.kubernetes.from';
const REQUESTERS = 'cluster.kubernetes.signers.certificateSigningRequests.requesters';
const POD_CERTIFICATES = 'cluster.kubernetes.signers.podCertificates';
const NEEDS_API = { problem: `needs ${FROM}: there is no API server to ask for requests` };
const NEEDS_HOUR = {
  problem: 'needs lifetimes.max to be an hour or more: the API server takes no shorter certificate',
};

export const SIGNER_RULES: readonly Rule[] = [
  {
    reads: [REQUESTERS, 'trustDomain', FROM],
    check: ({ cluster: { kubernetes }, trustDomain }) => {
      const { requesters } = kubernetes.signers.certificateSigningRequests;
      const invalid = requesters.flatMap(({ namespace, serviceAccount }, index) => {
        const identity = kubernetesIdentity(trustDomain, namespace, serviceAccount);
        return 'problem' in identity ? [{ within: [index], problem: identity.problem }] : [];
      });
      return requesters.length > 0 && kubernetes.from === undefined ? [NEEDS_API, ...invalid] : invalid;
    },
  },
  {
    reads: [POD_CERTIFICATES, FROM, 'lifetimes.max'],
    check: ({ cluster: { kubernetes }, lifetimes }) => {
      if (!kubernetes.signers.podCertificates) return [];
      return [
        ...(kubernetes.from === undefined ? [NEEDS_API] : []),
        ...(lifetimes.max < LEAST_POD_CERTIFICATE_MS ? [NEEDS_HOUR] : []),
      ];
    },
  },
];
