// CertificateSigningRequest (certificates.k8s.io/v1): a registration authority, above all istiod with
// ISTIOD_RA_KUBERNETES_API, asks for the workloads that it has authenticated itself. It approves its own requests, so
// approval proves nothing; who asked does, and policy decides for whom.
import type { RelayedOrder, SigningAuthority } from '../../../authority/surface/surface.ts';
import type { KubernetesObject } from '../../../domain/cluster/snapshot.ts';
import { AuthorityError } from '../../../domain/errors.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { ApiKind } from '../api/kubernetes-api.ts';
import { hasCondition, type SigningKind } from './signing-kind.ts';

const CERTIFICATE_SIGNING_REQUEST: ApiKind = {
  apiVersion: 'certificates.k8s.io/v1',
  kind: 'CertificateSigningRequest',
  plural: 'certificatesigningrequests',
  namespaced: false,
};

/** What every workload certificate is for; who asks for less would get more than it asked for. */
const NEEDED = ['digital signature', 'server auth', 'client auth'];
/** Of RSA keys only (RFC 8813 section 3); istiod asks for it whatever the key. */
const OPTIONAL = ['key encipherment'];

/** How the API server names a service account (Kubernetes, Authenticating, service account tokens). */
const SERVICE_ACCOUNT_USER = /^system:serviceaccount:([^:]+):([^:]+)$/;

interface Spec {
  readonly username?: unknown;
  /** Base64 of PEM. */
  readonly request?: unknown;
  readonly usages?: readonly unknown[];
  readonly expirationSeconds?: unknown;
}

export interface SigningRequestParts {
  readonly authority: Pick<SigningAuthority, 'answerRelayed'>;
  readonly clock: Pick<Clock, 'nowMs'>;
}

export function certificateSigningRequests({ authority, clock }: SigningRequestParts): SigningKind {
  return {
    kind: CERTIFICATE_SIGNING_REQUEST,

    isPending: (object) =>
      hasCondition(object, 'Approved') && !hasCondition(object, 'Denied', 'Failed') && !isSigned(object),

    ownerOf: (object) => requesterOf(object),

    // Nobody else is told, and nobody else than a listed one has a certificate made.
    waiterOf: (object) => {
      const [, namespace, name] = SERVICE_ACCOUNT_USER.exec(requesterOf(object)) ?? [];
      return namespace === undefined || name === undefined ? undefined : { kind: 'ServiceAccount', namespace, name };
    },

    sign: async (object, issuerName, options) => {
      const request = {
        object: `${CERTIFICATE_SIGNING_REQUEST.plural}/${object.metadata.name}`,
        issuerName,
        requester: requesterOf(object),
      };
      const chain = await authority.answerRelayed(request, () => orderOf(object), options);
      const certificate = Buffer.from(chain.leafPem + chain.intermediatePems.join('')).toString('base64');
      // At half of its life whoever has it would ask for another.
      return { status: { certificate }, usefulForMs: (chain.notAfterMs - clock.nowMs()) / 2 };
    },

    refuse: ({ reason, message, time }) => ({
      conditions: [{ type: 'Failed', status: 'True', reason, message, lastUpdateTime: time, lastTransitionTime: time }],
    }),
  };
}

/** @throws AuthorityError CAP-M06 */
function orderOf(object: KubernetesObject): RelayedOrder {
  const { request, usages = [], expirationSeconds } = specOf(object);
  const missing = NEEDED.filter((usage) => !usages.includes(usage));
  const unknown = usages.filter((usage) => ![...NEEDED, ...OPTIONAL].includes(String(usage)));
  if (missing.length + unknown.length > 0) {
    const asked = usages.map(String).join(', ');
    throw new AuthorityError('CAP-M06', { detail: `spec.usages ${asked}; it gives ${NEEDED.join(', ')}` });
  }
  return {
    csrPem: Buffer.from(String(request), 'base64').toString('latin1'),
    requestedMs: typeof expirationSeconds === 'number' ? expirationSeconds * 1_000 : 0,
  };
}

function isSigned(object: KubernetesObject): boolean {
  const { certificate } = statusOf(object);
  return certificate !== undefined && certificate !== null && certificate !== '';
}

function requesterOf(object: KubernetesObject): string {
  const { username } = specOf(object);
  return typeof username === 'string' ? username : '';
}

function specOf({ spec }: KubernetesObject): Spec {
  return spec ?? {};
}

function statusOf({ status }: KubernetesObject): { readonly certificate?: unknown } {
  return status ?? {};
}
