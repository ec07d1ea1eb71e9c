// PodCertificateRequest (certificates.k8s.io/v1): the kubelet asks on behalf of a pod that mounts a `podCertificate` volume,
// and writes what it gets into it. The API server lets a kubelet ask for pods of its own node alone (NodeRestriction), and
// checks what a signer writes: that is why lifetimes here are whole.
import type { PodOrder, SigningAuthority } from '../../../authority/surface/surface.ts';
import type { KubernetesObject } from '../../../domain/cluster/snapshot.ts';
import { AuthorityError } from '../../../domain/errors.ts';
import { kubernetesIdentity } from '../../../domain/identity/kubernetes-identity.ts';
import type { TrustDomain } from '../../../domain/identity/trust-domain.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { ApiKind } from '../api/kubernetes-api.ts';
import { hasCondition, timeOf, type SigningKind, type Status } from './signing-kind.ts';

const POD_CERTIFICATE_REQUEST: ApiKind = {
  apiVersion: 'certificates.k8s.io/v1',
  kind: 'PodCertificateRequest',
  plural: 'podcertificaterequests',
  namespaced: true,
};

/** The API server takes no shorter certificate. */
const LEAST_MS = 3_600_000;
/** Nor a refresh that begins nearer to either end. */
const REFRESH_MARGIN_MS = 600_000;

/**
 * The API server takes no certificate that begins more than five minutes before or after its own time
 * (certificates.k8s.io/v1, PodCertificateRequestStatus.notBefore). One minute is for clocks that differ.
 */
const TAKEN_FOR_MS = 240_000;

/** The API server has checked it: nothing in it is missing. */
interface Spec {
  readonly podName: string;
  readonly podUID: string;
  readonly nodeName: string;
  readonly serviceAccountName: string;
  readonly serviceAccountUID: string;
  readonly maxExpirationSeconds: number;
  /** Base64 of DER. */
  readonly stubPKCS10Request: string;
}

export interface PodCertificateParts {
  readonly authority: Pick<SigningAuthority, 'answerPod'>;
  readonly trustDomain: TrustDomain;
  readonly clock: Pick<Clock, 'nowMs'>;
}

export function podCertificateRequests({ authority, trustDomain, clock }: PodCertificateParts): SigningKind {
  const refused = (type: string, reason: string, message: string, time: string): Status => ({
    conditions: [{ type, status: 'True', reason, message, lastTransitionTime: time }],
  });
  return {
    kind: POD_CERTIFICATE_REQUEST,

    isPending: (object) => !hasCondition(object, 'Issued', 'Denied', 'Failed'),

    ownerOf: ({ metadata }) => metadata.namespace ?? '',

    waiterOf: (object) => {
      const { podName, podUID } = specOf(object);
      return { kind: 'Pod', namespace: object.metadata.namespace ?? '', name: podName, uid: podUID };
    },

    sign: async (object, issuerName, options) => {
      const { podName, podUID, nodeName, serviceAccountName, serviceAccountUID } = specOf(object);
      const { name, namespace = '' } = object.metadata;
      const identity = kubernetesIdentity(trustDomain, namespace, serviceAccountName);
      // The API server holds both names to stricter rules.
      if ('problem' in identity)
        throw new AuthorityError('CAP-M06', { detail: `the service account ${identity.problem}` });
      const request = {
        object: `${POD_CERTIFICATE_REQUEST.plural}/${namespace}/${name}`,
        issuerName,
        identity,
        pod: { podName, podUid: podUID, nodeName },
        serviceAccountUid: serviceAccountUID,
      };
      const chain = await authority.answerPod(request, () => orderOf(object), options);
      const { leafPem, intermediatePems, notBeforeMs, notAfterMs, decisionId } = chain;
      const nowMs = clock.nowMs();
      const status = {
        ...refused('Issued', 'Issued', `id=${decisionId}`, timeOf(nowMs)),
        certificateChain: leafPem + intermediatePems.join(''),
        notBefore: timeOf(notBeforeMs),
        notAfter: timeOf(notAfterMs),
        beginRefreshAt: timeOf(refreshAtMs({ notBeforeMs, notAfterMs }, nowMs)),
      };
      return { status, usefulForMs: notBeforeMs + TAKEN_FOR_MS - nowMs };
    },

    refuse: ({ reason, message, time }) =>
      refused(reason === 'InternalError' ? 'Failed' : 'Denied', reason, message, time),
  };
}

/** Half of what is left has passed; the kubelet adds some minutes at random. */
function refreshAtMs(
  { notBeforeMs, notAfterMs }: { readonly notBeforeMs: number; readonly notAfterMs: number },
  nowMs: number,
): number {
  const halfMs = nowMs + (notAfterMs - nowMs) / 2;
  return Math.min(Math.max(halfMs, notBeforeMs + REFRESH_MARGIN_MS), notAfterMs - REFRESH_MARGIN_MS);
}

function orderOf(object: KubernetesObject): PodOrder {
  const { stubPKCS10Request, maxExpirationSeconds } = specOf(object);
  return {
    csrDer: Buffer.from(stubPKCS10Request, 'base64'),
    whole: { minMs: LEAST_MS, maxMs: maxExpirationSeconds * 1_000 },
  };
}

function specOf({ spec }: KubernetesObject): Spec {
  return spec as Spec;
}
