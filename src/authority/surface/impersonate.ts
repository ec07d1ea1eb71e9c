// When one caller may ask for another's certificate: ztunnel does, for the pods of its node.
// Nothing confirms yet that such a pod runs on the caller's node, so a well-formed wish is
// understood and refused with a reason of its own; it is never taken for the caller's identity.
import { AuthorityError } from '../../domain/errors.ts';
import type { Caller } from '../../domain/identity/caller.ts';
import { kubernetesIdentityOf, type KubernetesIdentity } from '../../domain/identity/kubernetes-identity.ts';
import { SpiffeId } from '../../domain/identity/spiffe-id.ts';

/**
 * @param impersonated the `ImpersonatedIdentity` metadata; absent or empty means the caller itself
 *   (the Go client always sends its metadata keys, empty when unset).
 * @param asksFor hears of another identity before it is refused.
 * @returns the identity that the certificate will carry.
 * @throws AuthorityError `malformed_request` (CAP-M01) or `impersonation_forbidden` (CAP-A07).
 */
export function identityToCertify(
  caller: Caller,
  impersonated: string | undefined,
  asksFor: (identity: string) => void,
): KubernetesIdentity {
  if (impersonated === undefined || impersonated === '') return caller.identity;
  const wanted = parseImpersonated(impersonated);
  asksFor(wanted.spiffeId.uri);
  const foreign = wanted.trustDomain === caller.identity.trustDomain ? '' : 'another trust domain; ';
  throw new AuthorityError('CAP-A07', { detail: `${foreign}ImpersonatedIdentity ${wanted.spiffeId.uri}` });
}

function parseImpersonated(text: string): KubernetesIdentity {
  const spiffeId = SpiffeId.parse(text);
  const identity = spiffeId instanceof SpiffeId ? kubernetesIdentityOf(spiffeId) : spiffeId;
  if ('problem' in identity) {
    throw new AuthorityError('CAP-M01', { detail: `metadata.ImpersonatedIdentity ${identity.problem}` });
  }
  return identity;
}
