// What would run if the manifests were applied, each with a pod as its controller would make it: policies
// can be asked about a workload before anything runs.
import type { KubernetesObject } from '../../domain/policy/snapshot.ts';
import type { Position } from '../../domain/position.ts';
import { groupOf } from './cluster-scoped-kinds.ts';
import { fieldOf, podTemplatePath } from './pod-templates.ts';
import { derivedUid, fullName, type PlacedObject } from './read-manifests.ts';

export interface Workload {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly serviceAccount: string;
  readonly podLabels: Readonly<Record<string, string>>;
  readonly position: Position;
  /** One of its pods; the pod itself when that is what the manifest holds. */
  readonly pod: KubernetesObject;
}

/** In the order of the objects. What a controller among them owns is its controller's. */
export function workloadsIn(placed: readonly PlacedObject[]): readonly Workload[] {
  const known = new Set(placed.filter(({ object }) => podTemplatePath(object) !== undefined).map(nameOf));
  return placed.filter(({ object }) => !isOwned(object, known)).flatMap(workloadOf);
}

function workloadOf({ object, position }: PlacedObject): readonly Workload[] {
  const path = podTemplatePath(object);
  const { name, namespace } = object.metadata;
  if (path === undefined || namespace === undefined) return [];
  const pod = path.length === 0 ? object : examplePod(object, fieldOf(object, path));
  const serviceAccount = serviceAccountOf(pod);
  return [{ kind: object.kind, namespace, name, serviceAccount, podLabels: pod.metadata.labels ?? {}, position, pod }];
}

function examplePod({ metadata: owner, ...object }: KubernetesObject, template: unknown): KubernetesObject {
  const [labels, annotations] = [textsOf(template, 'labels'), textsOf(template, 'annotations')];
  const metadata = {
    name: `${owner.name}-example`,
    ...(owner.namespace !== undefined && { namespace: owner.namespace }),
    resourceVersion: owner.resourceVersion,
    ...(labels !== undefined && { labels }),
    ...(annotations !== undefined && { annotations }),
  };
  // Named after its owner, so that no two workloads of one name share a pod's uid.
  const uid = derivedUid(`${fullName({ ...object, metadata: owner })}/Pod`);
  return { apiVersion: 'v1', kind: 'Pod', metadata: { ...metadata, uid }, spec: fieldOf(template, ['spec']) ?? {} };
}

/** The older field's name is still read (Kubernetes API, PodSpec); none at all is `default`. */
function serviceAccountOf(pod: KubernetesObject): string {
  const names = ['serviceAccountName', 'serviceAccount'].map((field) => fieldOf(pod, ['spec', field]));
  return names.find((name): name is string => typeof name === 'string' && name !== '') ?? 'default';
}

/** Checked when the manifest was read. */
function textsOf(template: unknown, field: 'labels' | 'annotations'): Readonly<Record<string, string>> | undefined {
  const texts = fieldOf(template, ['metadata', field]);
  return typeof texts === 'object' && texts !== null ? (texts as Readonly<Record<string, string>>) : undefined;
}

function isOwned(object: KubernetesObject, known: ReadonlySet<string>): boolean {
  const owners = fieldOf(object, ['metadata', 'ownerReferences']);
  return Array.isArray(owners) && owners.some((owner) => known.has(ownerName(owner, object)));
}

/** Owners live in the namespace of what they own. */
function ownerName(owner: unknown, { metadata: { namespace } }: KubernetesObject): string {
  const [apiVersion, kind, name] = ['apiVersion', 'kind', 'name'].map((field) => String(fieldOf(owner, [field])));
  return `${groupOf(apiVersion ?? '')}/${kind ?? ''}/${namespace ?? ''}/${name ?? ''}`;
}

function nameOf({ object }: PlacedObject): string {
  return fullName(object);
}
