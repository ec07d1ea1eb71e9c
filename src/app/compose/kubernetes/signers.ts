// Signers of the Kubernetes API: CertificateSigningRequests that listed requesters relay, and PodCertificateRequests. Whoever
// leads of the replicas and processes signs, so that each request has one certificate.
import type { ReportedRefusal } from '../../../ports/policy/refusal-reporter.ts';
import { certificateSigningRequests } from '../../../adapters/kubernetes/signers/certificate-signing-requests.ts';
import { podCertificateRequests } from '../../../adapters/kubernetes/signers/pod-certificate-requests.ts';
import { RequestSigner } from '../../../adapters/kubernetes/signers/request-signer.ts';
import type { SigningKind } from '../../../adapters/kubernetes/signers/signing-kind.ts';
import { whileLeading, type Leading } from '../../../authority/chores/while-leading.ts';
import { signingAuthority } from '../../../authority/surface/answer-signing-request.ts';
import type { Config } from '../../../config/schema.ts';
import { kubernetesIdentity } from '../../../domain/identity/kubernetes-identity.ts';
import { degradedBy } from '../../../ports/platform/health.ts';
import type { Foundation } from '../foundation.ts';
import type { Issuing } from '../issuing.ts';
import type { Kubernetes } from './kubernetes.ts';

interface Former {
  readonly kubernetes: Kubernetes | undefined;
  readonly issuing: Issuing;
}

export function composeSigners(config: Config, foundation: Foundation, former: Former): void {
  const { kubernetes, issuing } = former;
  if (kubernetes === undefined) return;
  const served = servedRequests(config, kubernetes, issuing);
  if (served.length === 0) return;
  const { clock, random, events, health, startUp, running } = foundation;
  const report = (refusal: ReportedRefusal): void => issuing.refusalEvents?.report(refusal);
  const parts = { api: kubernetes.api, clock, random, events, cluster: config.cluster.id, report };
  const deadlineMs = config.listen.requestTimeout;
  let signers: readonly RequestSigner[] = [];
  health.report('signers', () => degradedBy(signers.find(({ problem }) => problem !== undefined)?.problem));
  startUp.at('load', () => {
    const { lease } = kubernetes;
    // Which issuers there are is known once their states are read, which was before.
    signers = issuing.parts.issuers
      .all()
      .flatMap(({ name: issuerName }) =>
        served.map((requests) => new RequestSigner({ ...parts, requests }, { issuerName, deadlineMs })),
      );
    const sign = async (leading: Leading): Promise<void> => {
      await Promise.all(signers.map(async (signer) => signer.run(leading)));
    };
    void whileLeading({ lease, clock }, sign, { signal: running });
  });
}

function servedRequests(
  { trustDomain, cluster }: Config,
  { attestation: { attestation } }: Kubernetes,
  { parts, lifetimes }: Issuing,
): readonly SigningKind[] {
  const { certificateSigningRequests: relayed, podCertificates } = cluster.kubernetes.signers;
  const requesters = relayed.requesters.flatMap(({ username, namespace, serviceAccount }) => {
    const identity = kubernetesIdentity(trustDomain, namespace, serviceAccount);
    // The configuration has none that is none.
    return 'problem' in identity ? [] : [[username, identity] as const];
  });
  const authority = signingAuthority(
    { ...parts, attestation },
    { trustDomain, lifetimes, requesters: new Map(requesters) },
  );
  return [
    ...(requesters.length > 0 ? [certificateSigningRequests({ authority, clock: parts.clock })] : []),
    ...(podCertificates ? [podCertificateRequests({ authority, trustDomain, clock: parts.clock })] : []),
  ];
}
