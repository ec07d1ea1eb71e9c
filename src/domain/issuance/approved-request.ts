// The token of the issuing flow: only a policy decision makes an ApprovedRequest, and only an
// ApprovedRequest can be prepared for signing. Signing without a decision does not compile.
import { AuthorityError } from '../errors.ts';
import type { TrustDomain } from '../identity/trust-domain.ts';
import type { TtlLimit } from '../policy/bounds.ts';
import type { PolicyDecision } from '../policy/policy-decision.ts';
import { refusalOf } from '../policy/evaluation/refusal.ts';
import { servingProfile, workloadProfile, type Profile } from '../x509/profile.ts';
import type { SubjectPublicKey } from '../x509/public-key.ts';
import type { SubjectAltName } from '../x509/template.ts';
import { USAGES } from '../x509/usage.ts';

const TRIAL_PATH = '/capstan.dev/trial';
const TRIAL_TTL_MS = 60_000;

export class ApprovedRequest {
  readonly profile: Profile;
  readonly names: readonly SubjectAltName[];
  readonly publicKey: SubjectPublicKey;
  /** What the decision grants. */
  readonly ttl: TtlLimit;

  private constructor(profile: Profile, names: readonly SubjectAltName[], publicKey: SubjectPublicKey, ttl: TtlLimit) {
    this.profile = profile;
    this.names = names;
    this.publicKey = publicKey;
    this.ttl = ttl;
  }

  /**
   * A workload's request. The certificate's only URI is the SPIFFE ID that was judged.
   * @param publicKey the key that was judged; another is a bug.
   * @throws AuthorityError `policy_denied` with every violation, or `not_ready` when nobody could judge.
   */
  static byPolicy(decision: PolicyDecision, publicKey: SubjectPublicKey): ApprovedRequest {
    const refusal = refusalOf(decision);
    if (refusal !== undefined) throw refusal;
    const { request, grant } = decision;
    if (request.key.type !== publicKey.family || request.key.bits !== publicKey.bits) {
      throw new AuthorityError('CAP-X01', { cause: new Error('the key is not the one that policy judged') });
    }
    const names = [
      { kind: 'uri', value: request.subject.spiffeId } as const,
      ...request.dnsNames.map((value) => ({ kind: 'dns', value }) as const),
    ];
    return new ApprovedRequest(workloadProfile(grant.usages, publicKey.family), names, publicKey, grant.ttl);
  }

  /** Our own serving certificate: its names come from the operator's configuration, not from a caller. */
  static forServing(names: readonly SubjectAltName[], publicKey: SubjectPublicKey, maxTtlMs: number): ApprovedRequest {
    return new ApprovedRequest(servingProfile(publicKey.family), names, publicKey, {
      minMs: 0,
      maxMs: maxTtlMs,
      defaultMs: Infinity,
    });
  }

  /**
   * What is issued to see whether peers would take it. Its SPIFFE ID is reserved: no workload has one of this shape,
   * so that the certificate would be of no use to who got hold of it.
   */
  static forTrial(trustDomain: TrustDomain, publicKey: SubjectPublicKey): ApprovedRequest {
    const names = [{ kind: 'uri', value: `spiffe://${trustDomain}${TRIAL_PATH}` }] as const;
    const ttl = { minMs: 0, maxMs: TRIAL_TTL_MS, defaultMs: TRIAL_TTL_MS };
    return new ApprovedRequest(workloadProfile(USAGES, publicKey.family), names, publicKey, ttl);
  }
}
