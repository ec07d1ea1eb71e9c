// When one caller asks for another's certificate: ztunnel does, for the pods of its node. A wish for another is never
// taken for the caller's own, whatever is refused; who may ask for whom, a NodeProof tells.
import { AuthorityError } from '../../domain/errors.ts';
import type { Caller } from '../../domain/identity/caller.ts';
import { kubernetesIdentityOf, type KubernetesIdentity } from '../../domain/identity/kubernetes-identity.ts';
import { SpiffeId } from '../../domain/identity/spiffe-id.ts';
import type { PodName } from '../../domain/policy/subject-pods.ts';
import type { NodeProof } from './node-proof.ts';

/** Whom a certificate will name. */
export interface Subject {
  readonly identity: KubernetesIdentity;
  /** The pods that will have it; nothing where the caller itself will. */
  readonly pods?: readonly PodName[];
}

/**
 * @param impersonated the `ImpersonatedIdentity` metadata; absent or empty means the caller itself
 *   (the Go client always sends its metadata keys, empty when unset).
 * @param proof absent where nobody may ask for another.
 * @param asksFor hears of another identity before it is proven.
 * @throws AuthorityError `malformed_request` (CAP-M01); as `NodeProof.prove`.
 */
export async function subjectOf(
  caller: Caller,
  impersonated: string | undefined,
  proof: Pick<NodeProof, 'prove'> | undefined,
  asksFor: (identity: string) => void,
  options: { readonly signal: AbortSignal },
): Promise<Subject> {
  if (impersonated === undefined || impersonated === '') return { identity: caller.identity };
  const identity = parseImpersonated(impersonated);
  asksFor(identity.spiffeId.uri);
  if (proof === undefined) {
    const detail = `${identity.spiffeId.uri}: no cluster.kubernetes, or no cluster.kubernetes.trustedNodeAccounts`;
    throw new AuthorityError('CAP-A07', { detail });
  }
  return { identity, pods: await proof.prove(caller, identity, options) };
}

function parseImpersonated(text: string): KubernetesIdentity {
  const spiffeId = SpiffeId.parse(text);
  const identity = spiffeId instanceof SpiffeId ? kubernetesIdentityOf(spiffeId) : spiffeId;
  if ('problem' in identity) {
    throw new AuthorityError('CAP-M01', { detail: `metadata.ImpersonatedIdentity ${identity.problem}` });
  }
  return identity;
}
