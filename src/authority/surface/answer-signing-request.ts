// Requests that the Kubernetes API server keeps as objects until their signer answers: decode, judge and issue as for any
// caller. Who asks was authenticated by the API server. What it means for the subject differs: the node's kubelet asks for a
// pod that the API server knows to run there; a registration authority such as istiod only says for whom it asks.
import type { LifetimeSettings } from '../../domain/issuance/lifetime.ts';
import { AuthorityError } from '../../domain/errors.ts';
import type { Caller } from '../../domain/identity/caller.ts';
import type { KubernetesIdentity } from '../../domain/identity/kubernetes-identity.ts';
import type { TrustDomain } from '../../domain/identity/trust-domain.ts';
import { CertificateRequest } from '../../domain/x509/request/certificate-request.ts';
import { matchRequestedIdentity, namedIdentity } from '../../domain/x509/request/requested-identity.ts';
import type { Attestation } from '../attestation/attestation.ts';
import { DecisionRecorder } from '../issuing/decision-recorder.ts';
import { issueForWorkload, type IssuingParts } from '../issuing/issue-certificate.ts';
import { chainOf } from './issued-chain.ts';
import type { IssuedChain, PodRequest, SigningAuthority } from './surface.ts';

export interface SigningParts extends IssuingParts {
  readonly attestation: Pick<Attestation, 'demand'>;
}

export interface SigningSettings {
  readonly trustDomain: TrustDomain;
  readonly lifetimes: LifetimeSettings;
  /** By their names in Kubernetes: those who may ask on behalf of others, as far as policy lets them. */
  readonly requesters: ReadonlyMap<string, KubernetesIdentity>;
}

/** @returns what the signers of the Kubernetes API ask; see `SigningAuthority` for its contract. */
export function signingAuthority(parts: SigningParts, settings: SigningSettings): SigningAuthority {
  const { trustDomain, lifetimes, requesters } = settings;
  return {
    answerRelayed: async ({ object, issuerName, requester }, decode, options): Promise<IssuedChain> =>
      parts.tracer.span('CertificateSigningRequest', async () =>
        DecisionRecorder.run(parts, 'kubernetes-csr', object, async (recorder) => {
          const caller = relay(requester, issuerName, requesters);
          recorder.authenticated(caller);
          const { csrPem, requestedMs } = decode();
          const { publicKey, uris } = CertificateRequest.fromPem(csrPem);
          const identity = namedIdentity(uris, trustDomain);
          recorder.asksFor(identity.spiffeId.uri);
          const order = { caller, identity, publicKey, requestedMs, issuerName };
          return chainOf(await issueForWorkload(parts, lifetimes, recorder, order, options));
        }),
      ),

    answerPod: async (request, decode, options): Promise<IssuedChain> =>
      parts.tracer.span('PodCertificateRequest', async () =>
        DecisionRecorder.run(parts, 'pod-certificate', request.object, async (recorder) => {
          const { issuerName, identity } = request;
          const caller = podCaller(request);
          recorder.authenticated(caller);
          recorder.attested(await parts.attestation.demand(caller, options));
          const { csrDer, whole } = decode();
          const { publicKey, uris } = CertificateRequest.fromDer(csrDer);
          matchRequestedIdentity(uris, identity.spiffeId);
          const order = { caller, identity, publicKey, requestedMs: 0, issuerName };
          return chainOf(await issueForWorkload(parts, { ...lifetimes, whole }, recorder, order, options));
        }),
      ),
  };
}

function podCaller({ issuerName, identity, pod, serviceAccountUid }: PodRequest): Caller {
  const attestation = { serviceAccountUid };
  return { identity, authenticationMethod: 'pod-certificate', credentialId: issuerName, pod, attestation };
}

/** @throws AuthorityError CAP-M05 */
function relay(requester: string, issuerName: string, requesters: ReadonlyMap<string, KubernetesIdentity>): Caller {
  const identity = requesters.get(requester);
  if (identity === undefined) {
    throw new AuthorityError('CAP-M05', {
      detail: `${requester} is not among cluster.kubernetes.signers.certificateSigningRequests.requesters`,
    });
  }
  return { identity, authenticationMethod: 'kubernetes-csr', credentialId: issuerName };
}
