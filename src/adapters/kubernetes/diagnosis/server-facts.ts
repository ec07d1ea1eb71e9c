// What the API server says of itself and of us: who issues its tokens, what time it is, what a service account may do.
import type { Clock } from '../../../ports/platform/clock.ts';
import { CONFIG_MAP } from '../api/kinds.ts';
import type { ApiKind, CallOptions, KubernetesApi } from '../api/kubernetes-api.ts';
import { at, textAt } from './fields.ts';
import type { ClockOf } from './installation.ts';

const ACCESS_REVIEW: ApiKind = {
  apiVersion: 'authorization.k8s.io/v1',
  kind: 'SubjectAccessReview',
  plural: 'subjectaccessreviews',
  namespaced: false,
};
const OWN_ACCESS_REVIEW: ApiKind = {
  ...ACCESS_REVIEW,
  kind: 'SelfSubjectAccessReview',
  plural: 'selfsubjectaccessreviews',
};
/** The API server tells the time in whole seconds. */
const HALF_SECOND_MS = 500;

export interface WantedRight {
  readonly verb: string;
  readonly group: string;
  /** With the subresource, if any: `certificatesigningrequests/status`. */
  readonly resource: string;
  readonly namespace?: string;
  readonly name?: string;
}

/** The `iss` of its tokens (OpenID Connect Discovery). */
export async function tokenIssuerOf(api: Pick<KubernetesApi, 'raw'>, options: CallOptions): Promise<string> {
  return textAt(await api.raw('/.well-known/openid-configuration', options), 'issuer') ?? '';
}

/** What is never stored still gets a time of creation: a ConfigMap as a dry run. */
export async function clockOf(
  api: Pick<KubernetesApi, 'apply'>,
  namespace: string,
  clock: Pick<Clock, 'nowMs'>,
  options: CallOptions,
): Promise<ClockOf> {
  const { apiVersion, kind } = CONFIG_MAP;
  const beforeMs = clock.nowMs();
  const object = { apiVersion, kind, metadata: { namespace, name: 'capstan-doctor-asks-the-time' } };
  const answer = await api.apply(CONFIG_MAP, object, { ...options, dryRun: true });
  const hereMs = (beforeMs + clock.nowMs()) / 2;
  const thereMs = Date.parse(textAt(answer, 'metadata', 'creationTimestamp') ?? '') + HALF_SECOND_MS;
  return { of: 'the API server', aheadMs: Number.isNaN(thereMs) ? 0 : thereMs - hereMs };
}

/**
 * @param account whose rights are asked about, as `system:serviceaccount:<namespace>:<name>`; absent, our own.
 * @returns whether each is allowed, in the same order.
 */
export async function askRights<R extends WantedRight>(
  api: Pick<KubernetesApi, 'create'>,
  rights: readonly R[],
  account: string | undefined,
  options: CallOptions,
): Promise<readonly (R & { readonly allowed: boolean })[]> {
  return Promise.all(
    rights.map(async (right) => ({ ...right, allowed: await isAllowed(api, right, account, options) })),
  );
}

async function isAllowed(
  api: Pick<KubernetesApi, 'create'>,
  { verb, group, resource: spelled, namespace, name }: WantedRight,
  account: string | undefined,
  options: CallOptions,
): Promise<boolean> {
  const [resource = '', subresource] = spelled.split('/');
  const resourceAttributes = {
    verb,
    group,
    resource,
    ...(subresource !== undefined && { subresource }),
    ...(namespace !== undefined && { namespace }),
    ...(name !== undefined && { name }),
  };
  const kind = account === undefined ? OWN_ACCESS_REVIEW : ACCESS_REVIEW;
  const groups = [
    'system:serviceaccounts',
    `system:serviceaccounts:${account?.split(':')[2] ?? ''}`,
    'system:authenticated',
  ];
  const spec = { resourceAttributes, ...(account !== undefined && { user: account, groups }) };
  const answer = await api.create(kind, { apiVersion: kind.apiVersion, kind: kind.kind, spec }, options);
  return at(answer, 'status', 'allowed') === true;
}
