// The issuing flow, read from top to bottom: decide, prepare, sign, have it read again, record.
import type { KubernetesIdentity } from '../domain/identity/kubernetes-identity.ts';
import { ApprovedRequest } from '../domain/issuance/approved-request.ts';
import type { LifetimeSettings } from '../domain/issuance/lifetime.ts';
import { PreparedCertificate, SERIAL_BYTES } from '../domain/issuance/prepared-certificate.ts';
import type { TrustBundle } from '../domain/trust/bundle.ts';
import type { SubjectPublicKey } from '../domain/x509/public-key.ts';
import type { IssuerStore } from '../ports/issuer-store.ts';
import type { PolicySource } from '../ports/policy-source.ts';
import type { Tracer } from '../ports/tracer.ts';
import type { Decision, DecisionParts, IssuedCertificate } from './decision.ts';

export interface IssuingParts extends DecisionParts {
  readonly issuers: IssuerStore;
  readonly policies: PolicySource;
  readonly tracer: Tracer;
}

/** A recorded certificate and the trust bundle that was in force when it was signed. */
export interface Issued {
  readonly certificate: IssuedCertificate;
  readonly bundle: TrustBundle;
}

/**
 * Issues a workload certificate for `identity`, as far as policy allows.
 * @param requestedMs zero or less asks for the default lifetime.
 * @throws AuthorityError `policy_denied`, `not_ready`, `dependency_unavailable` or `certificate_rejected`.
 */
export async function issueForWorkload(
  parts: IssuingParts,
  lifetimes: LifetimeSettings,
  decision: Decision,
  order: { identity: KubernetesIdentity; publicKey: SubjectPublicKey; requestedMs: number },
  options: { readonly signal: AbortSignal },
): Promise<Issued> {
  const policy = parts.policies.current();
  decision.judgedBy(policy.revision);
  const approved = ApprovedRequest.byPolicy(policy, order.identity, order.publicKey);
  return sign(parts, lifetimes, decision, approved, order.requestedMs, options);
}

/** Signs and records what has been approved. */
export async function sign(
  parts: IssuingParts,
  lifetimes: LifetimeSettings,
  decision: Decision,
  approved: ApprovedRequest,
  requestedMs: number,
  options: { readonly signal: AbortSignal },
): Promise<Issued> {
  const { clock, random, tracer } = parts;
  const { signing, bundle } = parts.issuers.current();
  const prepared = PreparedCertificate.from(approved, signing.issuer, lifetimes, {
    nowMs: clock.nowMs(),
    requestedMs,
    fraction: random.fraction(),
    serial: random.bytes(SERIAL_BYTES),
  });
  const signature = await tracer.span('sign', async () => signing.signer.sign(prepared.tbs, options));
  const finished = prepared.finish(signature);
  const certificate = await tracer.span('record', async () => decision.issue(finished));
  return { certificate, bundle };
}
