// Rules about the signers of the Kubernetes API.
import { kubernetesIdentity } from '../../domain/identity/kubernetes-identity.ts';
import type { Config } from '../schema.ts';
import type { Rule } from './rules.ts';

/** Kubernetes API, PodCertificateRequest: the server takes no shorter certificate. */
const LEAST_POD_CERTIFICATE_MS = 3_600_000;

const FROM = 'cluster.kubernetes.from';
const REQUESTERS = 'cluster.kubernetes.signers.certificateSigningRequests.requesters';
const POD_CERTIFICATES = 'cluster.kubernetes.signers.podCertificates';
const NEEDS_API = { problem: `needs ${FROM}: there is no API server to ask for requests` };
/** What the API server takes for the name of a signer behind its domain (Kubernetes, certificate signing requests, signers). */
const SIGNER_NAME = /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/;
const NO_SIGNER = 'must be lower-case letters, digits, dots and dashes, for it is the name of a signer of Kubernetes';
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
  {
    reads: ['issuer.name', REQUESTERS, POD_CERTIFICATES],
    check: ({ issuer, cluster: { kubernetes } }) =>
      isSigner(kubernetes) && !SIGNER_NAME.test(issuer.name) ? [{ problem: NO_SIGNER }] : [],
  },
  {
    reads: ['additionalIssuers', REQUESTERS, POD_CERTIFICATES],
    check: ({ additionalIssuers, cluster: { kubernetes } }) =>
      additionalIssuers.flatMap(({ name }, index) =>
        isSigner(kubernetes) && !SIGNER_NAME.test(name) ? [{ within: [index, 'name'], problem: NO_SIGNER }] : [],
      ),
  },
];

function isSigner({ signers }: Config['cluster']['kubernetes']): boolean {
  return signers.podCertificates || signers.certificateSigningRequests.requesters.length > 0;
}
