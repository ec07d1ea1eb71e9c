// What a verified token says about its bearer. Kubernetes puts the service account into `sub`, and, for
// tokens bound to a pod, the pod and its node beside it; the two must tell one story.
import { decodeJwt, type JWTPayload } from 'jose';
import type { PodBinding } from '../../../domain/identity/caller.ts';
import { kubernetesIdentity, type KubernetesIdentity } from '../../../domain/identity/kubernetes-identity.ts';
import type { TrustDomain } from '../../../domain/identity/trust-domain.ts';
import type { WorkloadClaims } from './token-verifier.ts';

export interface TokenBearer {
  readonly identity: KubernetesIdentity;
  readonly pod?: PodBinding;
  readonly serviceAccountUid?: string;
  /** The claim `jti`. */
  readonly tokenId?: string;
}

/** The cluster whose API server made a token. */
export interface AttestingCluster {
  /** Its id, where it is another than this server's own. */
  readonly remoteCluster?: string;
}

/** @param cluster whose API server can be asked about the bearer; absent where none can. */
export function claimsOf(
  { serviceAccountUid, tokenId, ...bearer }: TokenBearer,
  facts: Pick<WorkloadClaims, 'issuer' | 'expiresAtMs'>,
  cluster: AttestingCluster | undefined,
): WorkloadClaims {
  if (cluster === undefined) return { ...bearer, ...facts };
  const attestation = {
    ...(serviceAccountUid !== undefined && { serviceAccountUid }),
    ...(tokenId !== undefined && { tokenId }),
  };
  return { ...bearer, ...facts, ...cluster, attestation };
}

/** What a token says of itself; nothing of what is no JWT. It proves nothing: anybody can write one. */
export function unverifiedClaims(token: string): JWTPayload | undefined {
  try {
    return decodeJwt(token);
  } catch {
    // It has no claims then, and is refused for that.
    return undefined;
  }
}

/** `system:serviceaccount:<namespace>:<name>`, four parts and no more. */
const SUBJECT = /^system:serviceaccount:([^:]+):([^:]+)$/;
/** Names and UIDs of Kubernetes objects; they go to the journal and to logs. */
const OBJECT_NAME = /^[A-Za-z0-9._-]{1,253}$/;

/** @returns the bearer, or why the claims name none. */
export function bearerIn(payload: JWTPayload, trustDomain: TrustDomain): TokenBearer | { readonly problem: string } {
  // An issuer may sign what it likes: jose asks only whether `sub` is there, and a list of one text reads like that text.
  const subject: unknown = payload.sub;
  if (typeof subject !== 'string') return { problem: 'sub is not a text' };
  const [, namespace, serviceAccount] = SUBJECT.exec(subject) ?? [];
  if (namespace === undefined || serviceAccount === undefined) {
    return { problem: 'sub is not system:serviceaccount:<namespace>:<name>' };
  }
  const identity = kubernetesIdentity(trustDomain, namespace, serviceAccount);
  if ('problem' in identity) return { problem: `sub ${identity.problem}` };
  const { 'kubernetes.io': claims, jti } = payload;
  // Issuers other than Kubernetes have no such claim; nothing is known of a pod then.
  const bearer = claims === undefined ? { identity } : boundBearer(identity, claims);
  return 'problem' in bearer || !isObjectName(jti) ? bearer : { ...bearer, tokenId: jti };
}

function boundBearer(identity: KubernetesIdentity, claims: unknown): TokenBearer | { readonly problem: string } {
  const namespace = at(claims, 'namespace');
  const serviceAccount = at(claims, 'serviceaccount', 'name');
  if (namespace !== identity.namespace || serviceAccount !== identity.serviceAccount) {
    return { problem: 'sub and the kubernetes.io claim name different service accounts' };
  }
  // What is not an object would read like a token that is bound to nothing.
  const odd = ['pod', 'node'].find((name) => at(claims, name) !== undefined && !isObject(at(claims, name)));
  if (odd !== undefined) return { problem: `the kubernetes.io claim has an unreadable ${odd}` };
  const parts = {
    podName: at(claims, 'pod', 'name'),
    podUid: at(claims, 'pod', 'uid'),
    nodeName: at(claims, 'node', 'name'),
  };
  const serviceAccountUid = at(claims, 'serviceaccount', 'uid');
  const named = Object.entries(parts).filter(([, value]) => value !== undefined);
  const bad = [...named, ['serviceAccountUid', serviceAccountUid ?? 'none'] as const].find(
    ([, value]) => !isObjectName(value),
  );
  if (bad !== undefined) return { problem: `the kubernetes.io claim has an unreadable ${bad[0]}` };
  return {
    identity,
    ...(named.length > 0 && { pod: Object.fromEntries(named) }),
    ...(isObjectName(serviceAccountUid) && { serviceAccountUid }),
  };
}

function isObjectName(value: unknown): value is string {
  return typeof value === 'string' && OBJECT_NAME.test(value);
}

/** @returns what stands at a path of own properties, `undefined` where nothing does. */
function at(value: unknown, ...path: readonly string[]): unknown {
  let found = value;
  for (const key of path) {
    if (!isObject(found) || !Object.hasOwn(found, key)) return undefined;
    found = found[key];
  }
  return found;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
