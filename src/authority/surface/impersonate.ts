// When one caller asks for another's certificate: ztunnel does, for the pods of its node. A wish for another is never
// taken for the caller's own, whatever is refused; who may ask for whom, a NodeProof tells.
import { AuthorityError } from '../../domain/errors.ts';
import type { Caller } from '../../domain/identity/caller.ts';
import { kubernetesIdentityOf, type KubernetesIdentity } from '../../domain/identity/kubernetes-identity.ts';
import { SpiffeId } from '../../domain/identity/spiffe-id.ts';
import type { PodName } from '../../domain/policy/subject-pods.ts';
import type { DecisionRecorder } from '../issuing/decision-recorder.ts';
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
 * @param recorder hears of another identity before anything is proven, and once the caller is trusted to speak for it.
 * @throws AuthorityError `malformed_request` (CAP-M01); as `NodeProof`.
 */
export async function subjectOf(
  caller: Caller,
  impersonated: string | undefined,
  proof: Pick<NodeProof, 'trust' | 'podsOf'> | undefined,
  recorder: Pick<DecisionRecorder, 'asksFor' | 'speaksFor'>,
  options: { readonly signal: AbortSignal },
): Promise<Subject> {
  if (impersonated === undefined || impersonated === '') return { identity: caller.identity };
  const identity = parseImpersonated(impersonated);
  recorder.asksFor(identity.spiffeId.uri);
  if (proof === undefined) {
    const detail = `${identity.spiffeId.uri}: no cluster.kubernetes, or no cluster.kubernetes.trustedNodeAccounts`;
    throw new AuthorityError('CAP-A07', { detail });
  }
  const proxy = proof.trust(caller);
  recorder.speaksFor(identity);
  return { identity, pods: await proof.podsOf(proxy, identity, options) };
}

function parseImpersonated(text: string): KubernetesIdentity {
  const spiffeId = SpiffeId.parse(text);
  const identity = spiffeId instanceof SpiffeId ? kubernetesIdentityOf(spiffeId) : spiffeId;
  if ('problem' in identity) {
    throw new AuthorityError('CAP-M01', { detail: `metadata.ImpersonatedIdentity ${identity.problem}` });
  }
  return identity;
}
