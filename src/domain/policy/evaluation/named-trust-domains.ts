// Trust domains that the bundle names for a namespace, letter by letter. A relayed request may ask for one of them beside the
// mesh's own, as it must while a mesh changes its trust domain; what a pattern or an absent bound lets through it may not.
import { parseTrustDomain, type TrustDomain } from '../../identity/trust-domain.ts';
import type { PolicySet } from '../policy-set.ts';
import type { PolicyRequest } from '../request.ts';

type Named = Pick<PolicyRequest['subject'], 'trustDomain' | 'namespace'>;

export function namesTrustDomain(policies: PolicySet, { trustDomain, namespace }: Named): boolean {
  return policies
    .statementsFor(namespace)
    .some(({ grants, bounds }) => grants && bounds.trustDomains.some((set) => set.includes(trustDomain)));
}

/** @returns all of them that are named for a namespace; patterns are none. */
export function namedTrustDomains(policies: PolicySet, namespace: string): readonly TrustDomain[] {
  const sets = policies.statementsFor(namespace).flatMap(({ grants, bounds }) => (grants ? bounds.trustDomains : []));
  return [...new Set(sets.flat())].flatMap((text) => parseTrustDomain(text) ?? []);
}
