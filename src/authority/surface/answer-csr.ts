// The CSR API's deed: authenticate, ask whether the workload is still there, decode, match the request with the caller, issue, answer.
import { matchRequestedIdentity } from '../../domain/x509/request/requested-identity.ts';
import { CertificateRequest } from '../../domain/x509/request/certificate-request.ts';
import type { LifetimeSettings } from '../../domain/issuance/lifetime.ts';
import type { Authenticator, PresentedCredentials } from '../../ports/issuing/authenticator.ts';
import type { Attestation } from '../attestation/attestation.ts';
import { authenticate } from './authenticate.ts';
import { DecisionRecorder } from '../issuing/decision-recorder.ts';
import { subjectOf } from './impersonate.ts';
import { chainOf } from './issued-chain.ts';
import type { NodeProof } from './node-proof.ts';
import { issueForWorkload, type IssuingParts } from '../issuing/issue-certificate.ts';
import type { CsrAuthority, CsrRequest, IssuedChain } from './surface.ts';

interface CsrParts extends IssuingParts {
  readonly authenticators: readonly Authenticator[];
  readonly attestation: Pick<Attestation, 'demand'>;
  /** Absent where nobody may ask for another's certificate. */
  readonly nodeProof?: Pick<NodeProof, 'trust' | 'podsOf'>;
}

/** @returns the CSR API of the CA; see `CsrAuthority` for its contract. */
export function csrAuthority(parts: CsrParts, lifetimes: LifetimeSettings): CsrAuthority {
  const judge = async (
    recorder: DecisionRecorder,
    presented: PresentedCredentials,
    decode: () => CsrRequest,
    options: { readonly signal: AbortSignal },
  ): Promise<IssuedChain> => {
    const caller = await parts.tracer.span('authenticate', async () =>
      authenticate(parts.authenticators, presented, options),
    );
    recorder.authenticated(caller);
    recorder.attested(await parts.attestation.demand(caller, options));
    const order = decode();
    const subject = await subjectOf(caller, order.impersonatedIdentity, parts.nodeProof, recorder, options);
    const { publicKey, uris } = CertificateRequest.fromPem(order.csrPem);
    matchRequestedIdentity(uris, subject.identity.spiffeId);
    const requestedMs = requestedLifetimeMs(order.validitySeconds);
    return chainOf(
      await issueForWorkload(parts, lifetimes, recorder, { caller, ...subject, publicKey, requestedMs }, options),
    );
  };

  return {
    answerCsr: async (presented, decode, options) =>
      parts.tracer.span('CreateCertificate', async () =>
        DecisionRecorder.run(parts, 'csr', presented.remoteAddress, async (recorder) =>
          judge(recorder, presented, decode, options),
        ),
      ),
  };
}

/** A century: beyond every maximum, and small enough to stay exact as a number of milliseconds. */
const LONGEST_LIFETIME_SECONDS = 100n * 366n * 86_400n;

function requestedLifetimeMs(validitySeconds: bigint): number {
  const seconds = validitySeconds > LONGEST_LIFETIME_SECONDS ? LONGEST_LIFETIME_SECONDS : validitySeconds;
  return seconds > 0n ? Number(seconds) * 1000 : 0;
}
