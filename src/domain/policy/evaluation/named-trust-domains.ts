// Trust domains that the bundle names for a namespace, letter by letter. A relayed request may ask for one of them beside the
// mesh's own, as it must while a mesh changes its trust domain; what a pattern or an absent bound lets through it may not.
import type { PolicySet } from '../policy-set.ts';
import type { PolicyRequest } from '../request.ts';

type Named = Pick<PolicyRequest['subject'], 'trustDomain' | 'namespace'>;

export function namesTrustDomain(policies: PolicySet, { trustDomain, namespace }: Named): boolean {
  return policies
    .statementsFor(namespace)
    .some(({ grants, bounds }) => grants && bounds.trustDomains.some((set) => set.includes(trustDomain)));
}
