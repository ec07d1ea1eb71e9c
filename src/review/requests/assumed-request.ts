// Requests that nobody has made yet, as the tools put them to the evaluator. What a server reads from a credential
// and a CSR is said here by a person; what nobody said is as a plain workload would have it.
import { kubernetesIdentity } from '../../domain/identity/kubernetes-identity.ts';
import { parseTrustDomain } from '../../domain/identity/trust-domain.ts';
import type { ClusterSnapshot } from '../../domain/cluster/snapshot.ts';
import { firstAllowed } from '../../domain/issuance/chosen-issuer.ts';
import type { PolicyBundle } from '../../domain/policy/documents.ts';
import { allowedIssuers } from '../../domain/policy/evaluation/allowed-issuers.ts';
import type { PolicySet } from '../../domain/policy/policy-set.ts';
import type { PolicyRequest } from '../../domain/policy/request.ts';

export const DEFAULT_TRUST_DOMAIN = 'cluster.local';
export const DEFAULT_ISSUER = 'default';
export const DEFAULT_KEY = 'ec-p256';

/** What requests of many workloads have in common. */
export interface RequestSettings {
  readonly trustDomain: string;
  readonly key: PolicyRequest['key'];
  /** Absent: no lifetime in particular. */
  readonly requestedTtlMs?: number;
  /** Names of those that the server has, in the order of its configuration. */
  readonly issuers: readonly [string, ...string[]];
  readonly claims: PolicyRequest['claims'];
}

type Key = PolicyRequest['key'];
type Problem = { readonly problem: string };

/** @param text as certificates name it: `ec-p256`, `ec-p384`, `ed25519`, `rsa-2048`. */
export function parseKey(text: string): Key | Problem {
  if (text === 'ec-p256' || text === 'ec-p384' || text === 'ed25519') return { type: text, bits: 0 };
  const bits = /^rsa-([1-9]\d{2,5})$/.exec(text)?.[1];
  if (bits !== undefined) return { type: 'rsa', bits: Number(bits) };
  return { problem: 'must be ec-p256, ec-p384, ed25519, or rsa and its bits such as rsa-2048' };
}

/** @returns the subject that Istio names for a service account, or why there can be none. */
export function subjectOfServiceAccount(
  trustDomainName: string,
  namespace: string,
  serviceAccount: string,
): PolicyRequest['subject'] | Problem {
  const trustDomain = parseTrustDomain(trustDomainName);
  if (trustDomain === undefined) return { problem: `has a trust domain that is none: ${trustDomainName}` };
  const identity = kubernetesIdentity(trustDomain, namespace, serviceAccount);
  if ('problem' in identity) return identity;
  return { trustDomain, namespace, serviceAccount, spiffeId: identity.spiffeId.uri };
}

/** An issuer as the bundle wants it: under the anchor that is pinned, and with time left. */
export function soundIssuer(name: string, bundle: PolicyBundle): PolicyRequest['issuer'] {
  const anchor = bundle.issuers.find((issuer) => issuer.name === name)?.anchor;
  return { name, anchors: anchor === undefined ? [] : [anchor], remainingMs: Infinity };
}

/** @param nowMs milliseconds since the epoch. */
export function requestFrom(
  settings: RequestSettings,
  subject: PolicyRequest['subject'],
  policies: PolicySet,
  snapshot: ClusterSnapshot,
  nowMs: number,
): PolicyRequest {
  const [first, ...others] = settings.issuers.map((name) => ({ name }));
  const allowed = allowedIssuers(policies, { subject, claims: settings.claims }, snapshot);
  const { one, choice } = firstAllowed([first ?? { name: DEFAULT_ISSUER }, ...others], allowed);
  return {
    subject,
    key: settings.key,
    requestedTtlMs: settings.requestedTtlMs ?? 0,
    dnsNames: [],
    claims: settings.claims,
    issuer: { ...soundIssuer(one.name, policies.bundle), ...(choice.why !== 'only' && { choice }) },
    nowMs,
  };
}
