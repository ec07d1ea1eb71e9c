// A recorded decision turned back into the request that it answered, so that another policy can judge it.
import { kubernetesIdentityOf } from '../../domain/identity/kubernetes-identity.ts';
import { SpiffeId } from '../../domain/identity/spiffe-id.ts';
import type { PolicyBundle } from '../../domain/policy/documents.ts';
import type { PolicyRequest } from '../../domain/policy/request.ts';
import type { DecisionRecord } from '../../ports/storage/issuance-journal.ts';
import { soundIssuer } from '../requests/assumed-request.ts';

type Subject = PolicyRequest['subject'];

/**
 * What the journal does not keep is taken as it should be: the issuer is under the anchor that the bundle pins
 * and has time left. Nobody is taken to hold a certificate.
 * @param bundle the one that will be asked.
 * @returns nothing when policy was not asked, or by a Capstan that did not record what it asked.
 */
export function requestOfRecord(record: DecisionRecord, bundle: PolicyBundle): PolicyRequest | undefined {
  const { policy, timeMs, remoteCluster } = record;
  const subject = policy === undefined ? undefined : subjectOfSpiffeId(policy.subject);
  if (policy === undefined || subject === undefined) return undefined;
  return {
    subject: { ...subject, ...(remoteCluster !== undefined && { remoteCluster }) },
    ...(policy.actor !== undefined && { actor: policy.actor }),
    ...(policy.podNames !== undefined && { pods: policy.podNames }),
    ...(policy.pods !== undefined && { recordedPods: policy.pods }),
    key: policy.key,
    requestedTtlMs: policy.requestedTtlMs ?? 0,
    dnsNames: policy.dnsNames ?? [],
    claims: claimsOf(record),
    issuer: soundIssuer(policy.issuer, bundle),
    nowMs: timeMs,
  };
}

/** @returns nothing for what is not the identity of a service account. */
export function subjectOfSpiffeId(spiffeId: string): Subject | undefined {
  const parsed = SpiffeId.parse(spiffeId);
  const identity = parsed instanceof SpiffeId ? kubernetesIdentityOf(parsed) : parsed;
  if ('problem' in identity) return undefined;
  const { trustDomain, namespace, serviceAccount } = identity;
  return { trustDomain, namespace, serviceAccount, spiffeId };
}

/** The same text for the same request, whenever it was made. */
export function requestKey(request: PolicyRequest): string {
  const { subject, actor, pods, recordedPods, key, requestedTtlMs, dnsNames, claims, issuer } = request;
  const { authenticationMethod, credentialId, podName, podUid, nodeName } = claims;
  const claimed = [authenticationMethod, credentialId, podName, podUid, nodeName];
  const { spiffeId, remoteCluster } = subject;
  const asker = [spiffeId, remoteCluster, actor, pods, recordedPods, claimed];
  return JSON.stringify([...asker, key.type, key.bits, requestedTtlMs, dnsNames, issuer.name]);
}

function claimsOf({
  authenticationMethod,
  credentialId,
  podName,
  podUid,
  nodeName,
}: DecisionRecord): PolicyRequest['claims'] {
  return {
    ...(authenticationMethod !== undefined && { authenticationMethod }),
    ...(credentialId !== undefined && { credentialId }),
    ...(podName !== undefined && { podName }),
    ...(podUid !== undefined && { podUid }),
    ...(nodeName !== undefined && { nodeName }),
  };
}
