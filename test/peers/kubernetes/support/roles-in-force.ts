// Whether roles are in force as they were applied: the API server follows them, and is some moments behind what it has stored. Who
// does not wait for that has the rights of before, be they more or fewer.
import { eventually } from '../../../support/eventually.ts';
import type { ClusterApi, ClusterObject } from './cluster-api.ts';

const IN_FORCE = { withinMs: 30_000 };
/** Of nothing: it is there to be asked about. */
const MARK = { group: 'test.invalid', resource: 'applications', verb: 'get' };

export interface Rule {
  readonly apiGroups?: readonly string[];
  readonly resources?: readonly string[];
  readonly resourceNames?: readonly string[];
  readonly nonResourceURLs?: readonly string[];
  readonly verbs: readonly string[];
}

export const rulesOf = (role: ClusterObject): readonly Rule[] => (role['rules'] as readonly Rule[] | undefined) ?? [];

export const accountName = (namespace: string, name: string): string => `system:serviceaccount:${namespace}:${name}`;

/** How often roles were applied in this process. */
let applications = 0;

/** The same objects, each role of them with a right that no role had before: who has it has the other rights as well, and no former ones. */
export function marked(objects: readonly ClusterObject[]): readonly ClusterObject[] {
  applications += 1;
  const { group, resource, verb } = MARK;
  const mark = { apiGroups: [group], resources: [resource], resourceNames: [String(applications)], verbs: [verb] };
  return objects.map((object) => (isRole(object) ? { ...object, rules: [...rulesOf(object), mark] } : object));
}

/** @param objects as `marked` made them, and applied. @param user as `accountName` has it. */
export async function untilInForce(api: ClusterApi, objects: readonly ClusterObject[], user: string): Promise<void> {
  for (const role of objects.filter(isRole)) {
    const [name] = rulesOf(role).at(-1)?.resourceNames ?? [];
    const { namespace } = role.metadata;
    await untilJudged(api, user, { resourceAttributes: { ...MARK, name, namespace } }, true);
  }
}

/** Resolves when the API server judges so. @param asked `resourceAttributes` or `nonResourceAttributes` of a SubjectAccessReview. */
export async function untilJudged(
  api: ClusterApi,
  user: string,
  asked: Readonly<Record<string, object>>,
  allowed: boolean,
): Promise<void> {
  const isJudgedSo = async (): Promise<boolean> => {
    const { status } = await api.ask<{ readonly status: { readonly allowed: boolean } }>(
      'POST',
      '/apis/authorization.k8s.io/v1/subjectaccessreviews',
      { apiVersion: 'authorization.k8s.io/v1', kind: 'SubjectAccessReview', spec: { ...asked, user } },
    );
    return status.allowed === allowed;
  };
  await eventually(`${user} may ${allowed ? '' : 'not '}${JSON.stringify(asked)}`, isJudgedSo, IN_FORCE);
}

const isRole = ({ kind }: ClusterObject): boolean => kind.endsWith('Role');
