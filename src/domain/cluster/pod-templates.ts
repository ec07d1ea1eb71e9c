// Where an object describes the pods that it makes, or names the service account that they run as. Kinds of
// Kubernetes are known (API, workload resources), a table may name others; the rest counts by its shape, wherever in the
// object it is.
import { groupOf } from './scoped-kinds.ts';

const TEMPLATES: Readonly<Record<string, readonly string[]>> = {
  '/Pod': [],
  '/PodTemplate': ['template'],
  '/ReplicationController': ['spec', 'template'],
  'apps/DaemonSet': ['spec', 'template'],
  'apps/Deployment': ['spec', 'template'],
  'apps/ReplicaSet': ['spec', 'template'],
  'apps/StatefulSet': ['spec', 'template'],
  'batch/CronJob': ['spec', 'jobTemplate', 'spec', 'template'],
  'batch/Job': ['spec', 'template'],
};

/** Groups whose objects refer to other objects, with patterns and schemas in which an account is no account. */
const OF_OTHERS: ReadonlySet<string> = new Set([
  'admissionregistration.k8s.io',
  'apiextensions.k8s.io',
  'kyverno.io',
  'policies.kyverno.io',
  'rbac.authorization.k8s.io',
  'templates.gatekeeper.sh',
  'mutations.gatekeeper.sh',
]);

interface Manifest {
  readonly apiVersion: string;
  readonly kind: string;
  readonly [field: string]: unknown;
}

/** One place of an object at which pods are described. */
export interface PodSite {
  /** Of a pod's description, or of the field that names a service account; a list's entries go by their numbers. */
  readonly path: readonly string[];
  /** `hint`: a field that seems to name a service account; what runs as it is not known. */
  readonly describes: 'pod' | 'account' | 'hint';
}

/** @returns the path of the pod's description for kinds of Kubernetes, empty for a pod itself; nothing for others. */
export function podTemplatePath(manifest: Manifest): readonly string[] | undefined {
  return TEMPLATES[kindKeyOf(manifest)];
}

/** @param key `group/kind` */
export function isKnownKind(key: string): boolean {
  return Object.hasOwn(TEMPLATES, key);
}

export function isOfOthers({ apiVersion }: Manifest): boolean {
  return OF_OTHERS.has(groupOf(apiVersion));
}

/** @returns every place, in the order of the object; accounts in a pod's description are the pod's. */
export function podSitesIn(manifest: Manifest): readonly PodSite[] {
  const known = podTemplatePath(manifest);
  if (known !== undefined) return [{ path: known, describes: 'pod' }];
  return [...sites(manifest, [])];
}

export function kindKeyOf({ apiVersion, kind }: Manifest): string {
  return `${groupOf(apiVersion)}/${kind}`;
}

/** `serviceAccount` as Spark has it, `executorServiceAccount`, `serviceAccountRef`, `pod_service_account_name`. */
const ACCOUNT_LIKE = /service_?account(?:_?name|_?ref|_?reference)?$/i;
/** RFC 1123, as Kubernetes demands of the name of a service account; or what is filled in later. */
const NAME = /^[a-z0-9](?:[-a-z0-9.]{0,251}[a-z0-9])?$|\$\{|\{\{/;

function* sites(value: unknown, path: readonly string[]): Generator<PodSite> {
  if (typeof value !== 'object' || value === null) return;
  if (path.length > 0 && Array.isArray(fieldOf(value, ['spec', 'containers']))) {
    yield { path, describes: 'pod' };
    return;
  }
  for (const [name, field] of Object.entries(value)) {
    const describes = namesAccount(name, field);
    if (describes === undefined) yield* sites(field, [...path, name]);
    else yield { path: [...path, name], describes };
  }
}

function namesAccount(field: string, value: unknown): 'account' | 'hint' | undefined {
  if (field === 'serviceAccountName' && typeof value === 'string' && value !== '') return 'account';
  if (!ACCOUNT_LIKE.test(field)) return undefined;
  const named = typeof value === 'string' ? value : fieldOf(value, ['name']);
  if (typeof named !== 'string' || !NAME.test(named)) return undefined;
  return field === 'serviceAccount' && typeof value === 'string' ? 'account' : 'hint';
}

/** @returns nothing when something on the path is absent or no mapping; a list's entries go by their numbers. */
export function fieldOf(data: unknown, path: readonly string[]): unknown {
  let value = data;
  for (const name of path) {
    if (typeof value !== 'object' || value === null || !Object.hasOwn(value, name)) return undefined;
    value = (value as Readonly<Record<string, unknown>>)[name];
  }
  return value;
}
