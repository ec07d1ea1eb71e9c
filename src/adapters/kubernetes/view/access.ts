// Whether our role lets us follow a kind, asked before it is followed (SelfSubjectAccessReview): a watch that is refused
// would say the same later, in words that name neither the policy nor what to grant.
import type { ApiKind, KubernetesApi } from '../api/kubernetes-api.ts';
import { groupOf } from './discovery.ts';

const REVIEW: ApiKind = {
  apiVersion: 'authorization.k8s.io/v1',
  kind: 'SelfSubjectAccessReview',
  plural: 'selfsubjectaccessreviews',
  namespaced: false,
};
const VERBS = ['get', 'list', 'watch'] as const;

/**
 * @returns the verbs that the role lacks to follow all objects of a kind.
 * @throws KubernetesApiError when it cannot be asked.
 */
export async function lackingVerbs(
  api: Pick<KubernetesApi, 'create'>,
  kind: ApiKind,
  options: { readonly signal: AbortSignal },
): Promise<readonly string[]> {
  const answers = await Promise.all(
    VERBS.map(async (verb) => ((await isAllowed(api, { verb, kind }, options)) ? [] : [verb])),
  );
  return answers.flat();
}

/**
 * @param asked.namespace absent: everywhere.
 * @throws KubernetesApiError when it cannot be asked.
 */
export async function isAllowed(
  api: Pick<KubernetesApi, 'create'>,
  {
    verb,
    kind,
    namespace,
  }: { readonly verb: (typeof VERBS)[number]; readonly kind: ApiKind; readonly namespace?: string },
  options: { readonly signal: AbortSignal },
): Promise<boolean> {
  const resourceAttributes = { group: groupOf(kind), resource: kind.plural, verb, ...(namespace && { namespace }) };
  const { status } = await api.create(REVIEW, { spec: { resourceAttributes } }, options);
  return (status as { readonly allowed?: boolean } | undefined)?.allowed === true;
}

/** @returns as RBAC and `kubectl` call it: `gateways.gateway.networking.k8s.io`, `pods`. */
export function resourceName(kind: ApiKind): string {
  return [kind.plural, groupOf(kind)].filter((part) => part !== '').join('.');
}
