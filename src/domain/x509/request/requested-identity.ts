// What a CSR may ask to be called: its caller's own name, or nothing; where somebody asks for another, that other's.
import { AuthorityError } from '../../errors.ts';
import { kubernetesIdentityOf, type KubernetesIdentity } from '../../identity/kubernetes-identity.ts';
import { SpiffeId } from '../../identity/spiffe-id.ts';
import type { TrustDomain } from '../../identity/trust-domain.ts';

/**
 * @param uris as they stand in the CSR.
 * @throws AuthorityError CAP-C03 when they are not at most one well-formed SPIFFE ID,
 *   CAP-C06 when it is somebody else's.
 */
export function matchRequestedIdentity(uris: readonly string[], identity: SpiffeId): void {
  const [uri, second] = uris;
  if (uri === undefined) return;
  if (second !== undefined) {
    throw new AuthorityError('CAP-C03', { detail: `subjectAltName has ${uris.length} URIs, allowed one` });
  }
  if (uri === identity.uri) return;
  const wanted = SpiffeId.parse(uri);
  if (!(wanted instanceof SpiffeId)) {
    throw new AuthorityError('CAP-C03', { detail: `subjectAltName URI ${wanted.problem}` });
  }
  throw new AuthorityError('CAP-C06', { detail: `subjectAltName URI must be ${identity.uri}, not ${wanted.uri}` });
}

/**
 * Of a CSR that alone says for whom it is.
 * @param uris as they stand in the CSR.
 * @throws AuthorityError CAP-C03 when they are not one SPIFFE ID of a service account, CAP-C06 for one of another trust domain.
 */
export function namedIdentity(uris: readonly string[], trustDomain: TrustDomain): KubernetesIdentity {
  const [uri, second] = uris;
  if (uri === undefined || second !== undefined) {
    throw new AuthorityError('CAP-C03', { detail: `subjectAltName has ${uris.length} URIs, needed one SPIFFE ID` });
  }
  const spiffeId = SpiffeId.parse(uri);
  const identity = spiffeId instanceof SpiffeId ? kubernetesIdentityOf(spiffeId) : spiffeId;
  if ('problem' in identity) throw new AuthorityError('CAP-C03', { detail: `subjectAltName URI ${identity.problem}` });
  if (identity.trustDomain !== trustDomain) {
    throw new AuthorityError('CAP-C06', { detail: `subjectAltName URI must be of trust domain ${trustDomain}` });
  }
  return identity;
}
