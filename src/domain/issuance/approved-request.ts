// The token of the issuing flow: only a policy decision makes an ApprovedRequest of a workload, and only an
// ApprovedRequest can be prepared for signing. Signing without a decision does not compile.
import { bug } from '../errors.ts';
import type { TrustDomain } from '../identity/trust-domain.ts';
import type { TtlLimit } from '../policy/bounds.ts';
import type { PolicyDecision } from '../policy/policy-decision.ts';
import { refusalOf } from '../policy/evaluation/refusal.ts';
import { servingProfile, workloadProfile, type Profile } from '../x509/profile.ts';
import type { SubjectPublicKey } from '../x509/public-key.ts';
import type { HostName, SubjectAltName } from '../x509/template.ts';
import { USAGES } from '../x509/usage.ts';
import { ChosenIssuer } from './chosen-issuer.ts';

const TRIAL_PATH = '/capstan.dev/trial';
const TRIAL_TTL_MS = 60_000;

export interface Approved {
  readonly profile: Profile;
  readonly names: readonly SubjectAltName[];
  readonly publicKey: SubjectPublicKey;
  /** What the decision grants. */
  readonly ttl: TtlLimit;
  /** The one that was judged: it signs, and no other. */
  readonly chosen: ChosenIssuer;
}

export class ApprovedRequest {
  readonly #approved: Approved;
  #taken = false;

  private constructor(approved: Approved) {
    this.#approved = approved;
  }

  get chosen(): ChosenIssuer {
    return this.#approved.chosen;
  }

  /** For the one certificate that is prepared of it. @throws AuthorityError CAP-X01 the second time: that is a bug. */
  take(): Approved {
    if (this.#taken) throw bug('an approved request is prepared twice');
    this.#taken = true;
    return this.#approved;
  }

  /**
   * A workload's request. The certificate's only URI is the SPIFFE ID that was judged, and its issuer the one that was.
   * @param publicKey the key that was judged; another is a bug.
   * @throws AuthorityError `policy_denied` with every violation, or `not_ready` when nobody could judge.
   */
  static byPolicy(decision: PolicyDecision, publicKey: SubjectPublicKey): ApprovedRequest {
    const refusal = refusalOf(decision);
    if (refusal !== undefined) throw refusal;
    const { request, grant } = decision;
    const { issuer: chosen } = request;
    // A decision about an issuer that somebody only wrote down, as a replay does, signs nothing.
    if (!(chosen instanceof ChosenIssuer)) throw bug('the issuer that policy judged was not chosen');
    if (request.key.type !== publicKey.family || request.key.bits !== publicKey.bits) {
      throw bug('the key is not the one that policy judged');
    }
    const names = [
      { kind: 'uri', value: request.subject.spiffeId } as const,
      ...request.dnsNames.map((value) => ({ kind: 'dns', value }) as const),
    ];
    const profile = workloadProfile(grant.usages, publicKey.family);
    return new ApprovedRequest({ profile, names, publicKey, ttl: grant.ttl, chosen });
  }

  /**
   * Our own serving certificate: its names come from the operator's configuration, and none of them is an identity but a
   * SPIFFE ID that is reserved for what serves.
   */
  static forServing(
    chosen: ChosenIssuer,
    { names: hosts, spiffeId }: { readonly names: readonly HostName[]; readonly spiffeId?: string },
    publicKey: SubjectPublicKey,
    maxTtlMs: number,
  ): ApprovedRequest {
    const ttl = { minMs: 0, maxMs: maxTtlMs, defaultMs: Infinity };
    const { family } = publicKey;
    if (spiffeId === undefined) {
      return new ApprovedRequest({ profile: servingProfile(family), names: hosts, publicKey, ttl, chosen });
    }
    const names = [{ kind: 'uri', value: spiffeId } as const, ...hosts];
    return new ApprovedRequest({ profile: workloadProfile(USAGES, family), names, publicKey, ttl, chosen });
  }

  /**
   * What is issued to see whether peers would take it. Its SPIFFE ID is reserved: no workload has one of this shape,
   * so that the certificate would be of no use to who got hold of it.
   */
  static forTrial(chosen: ChosenIssuer, trustDomain: TrustDomain, publicKey: SubjectPublicKey): ApprovedRequest {
    const names = [{ kind: 'uri', value: `spiffe://${trustDomain}${TRIAL_PATH}` }] as const;
    const ttl = { minMs: 0, maxMs: TRIAL_TTL_MS, defaultMs: TRIAL_TTL_MS };
    const profile = workloadProfile(USAGES, publicKey.family);
    return new ApprovedRequest({ profile, names, publicKey, ttl, chosen });
  }
}
