// The token of the issuing flow: only a policy decision makes an ApprovedRequest, and only an
// ApprovedRequest can be prepared for signing. Signing without a decision does not compile.
import { AuthorityError } from '../errors.ts';
import type { KubernetesIdentity } from '../identity/kubernetes-identity.ts';
import { evaluate } from '../policy/evaluate.ts';
import type { Policy } from '../policy/policy.ts';
import { PROFILES, type Profile } from '../x509/profile.ts';
import type { SubjectPublicKey } from '../x509/public-key.ts';
import type { SubjectAltName } from '../x509/template.ts';

export class ApprovedRequest {
  readonly profile: Profile;
  readonly names: readonly SubjectAltName[];
  readonly publicKey: SubjectPublicKey;
  /** Longest lifetime that the decision grants, in ms; may be Infinity. */
  readonly maxTtlMs: number;

  private constructor(
    profile: Profile,
    names: readonly SubjectAltName[],
    publicKey: SubjectPublicKey,
    maxTtlMs: number,
  ) {
    this.profile = profile;
    this.names = names;
    this.publicKey = publicKey;
    this.maxTtlMs = maxTtlMs;
  }

  /**
   * Judges a workload's request. The certificate's only name is the caller's own SPIFFE ID.
   * @throws AuthorityError `policy_denied` with every violation.
   */
  static byPolicy(policy: Policy, identity: KubernetesIdentity, publicKey: SubjectPublicKey): ApprovedRequest {
    const { namespace, serviceAccount, spiffeId } = identity;
    const verdict = evaluate(policy, { namespace, serviceAccount, keyFamily: publicKey.family });
    if (!verdict.allowed) {
      const detail = verdict.violations.map((v) => `${v.path} ${v.actual}, allowed ${v.allowed}`).join('; ');
      throw new AuthorityError(verdict.reason, { detail, violations: verdict.violations });
    }
    return new ApprovedRequest(PROFILES.workload, [{ kind: 'uri', value: spiffeId.uri }], publicKey, verdict.maxTtlMs);
  }

  /** Our own serving certificate: its names come from the operator's configuration, not from a caller. */
  static forServing(names: readonly SubjectAltName[], publicKey: SubjectPublicKey, maxTtlMs: number): ApprovedRequest {
    return new ApprovedRequest(PROFILES.self, names, publicKey, maxTtlMs);
  }
}
