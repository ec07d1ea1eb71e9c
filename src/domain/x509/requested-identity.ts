// What a CSR may ask to be called: its caller's own name, or nothing.
import { AuthorityError } from '../errors.ts';
import { SpiffeId } from '../identity/spiffe-id.ts';

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
