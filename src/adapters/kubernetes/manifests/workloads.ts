// What would run if the manifests were applied, each with a pod as its controller would make it: policies
// can be asked about a workload before anything runs.
import type { KubernetesObject } from '../../../domain/cluster/snapshot.ts';
import type { Position } from '../../../domain/text/position.ts';
import { groupOf } from '../../../domain/cluster/scoped-kinds.ts';
import { sitesNamedBy, type KindTable } from './kind-table.ts';
import { fieldOf, isOfOthers, podSitesIn, type PodSite } from '../../../domain/cluster/pod-templates.ts';
import { derivedUid, fullName, type PlacedObject } from './read-manifests.ts';

export interface Workload {
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
  readonly serviceAccount: string;
  readonly podLabels: Readonly<Record<string, string>>;
  readonly position: Position;
  /** Where in the object; empty for a pod itself. */
  readonly path: readonly string[];
  /** The manifest names no namespace. */
  readonly assumed?: true;
  /** One of its pods, or the pod itself; absent where nothing but the service account is known of it. */
  readonly pod?: KubernetesObject;
}

/** Names a service account, and cannot be judged. */
export interface Unjudged extends Pick<Workload, 'kind' | 'namespace' | 'name' | 'position'> {
  readonly why: string;
}

export interface FoundWorkloads {
  readonly workloads: readonly Workload[];
  readonly unjudged: readonly Unjudged[];
}

/**
 * In the order of the objects. What a controller among them owns is its controller's.
 * @param kinds of which somebody byKindTable where their objects describe pods.
 */
export function workloadsIn(objects: readonly PlacedObject[], kinds: KindTable = new Map()): FoundWorkloads {
  const all = objects.flatMap(processed).map((one) => foundIn(seenIn(one, kinds)));
  const known = new Map(all.map((one) => [fullName(one.object), one]));
  const found = all.filter((one) => !isRepetition(one, known));
  return {
    workloads: found.flatMap(({ workloads }) => workloads),
    unjudged: found.flatMap(({ unjudged }) => unjudged),
  };
}

/** OpenShift makes the objects of a Template in the template's own namespace, unless they say otherwise. */
function processed(placed: PlacedObject): readonly PlacedObject[] {
  const { object, position } = placed;
  const list = object['objects'];
  if (object.kind !== 'Template' || groupOf(object.apiVersion) !== 'template.openshift.io' || !Array.isArray(list)) {
    return [placed];
  }
  return list.filter(isObject).map((one) => {
    const metadata = { ...object.metadata, labels: {}, ...one.metadata };
    return {
      object: {
        ...one,
        metadata: { ...metadata, namespace: one.metadata.namespace ?? object.metadata.namespace ?? '' },
      },
      position,
    };
  });
}

function isObject(data: unknown): data is KubernetesObject {
  return (
    typeof fieldOf(data, ['kind']) === 'string' &&
    typeof fieldOf(data, ['apiVersion']) === 'string' &&
    typeof fieldOf(data, ['metadata', 'name']) === 'string'
  );
}

interface Seen extends PlacedObject {
  readonly sites: readonly PodSite[];
  /** The table of kinds names its kind. */
  readonly byKindTable: boolean;
}

function seenIn(placed: PlacedObject, kinds: KindTable): Seen {
  const named = sitesNamedBy(placed.object, kinds);
  return { ...placed, sites: named ?? podSitesIn(placed.object), byKindTable: named !== undefined };
}

function workloadsOf(seen: Seen): FoundWorkloads {
  const { object, position, sites } = seen;
  const { kind, metadata } = object;
  const { name, namespace } = metadata;
  const refuse = (why: string): Unjudged => ({ kind, namespace: namespace ?? '(cluster)', name, position, why });
  const why = whyNone(seen);
  if (why !== undefined) return { workloads: [], unjudged: [refuse(why)] };
  if (sites.length === 0 || namespace === undefined) return { workloads: [], unjudged: [] };
  const judged = distinct(sites.flatMap((site) => workloadAt(seen, namespace, site)));
  const open = judged.find(({ serviceAccount }) => /\$\{|\{\{/.test(serviceAccount));
  if (open !== undefined) {
    return { workloads: [], unjudged: [refuse(`runs as ${open.serviceAccount}, which is filled in later`)] };
  }
  const unjudged = sites.flatMap((site) => whyUnjudged(object, site, judged) ?? []);
  return { workloads: judged, unjudged: unjudged.map(refuse) };
}

/** Nothing for what runs no pods. */
function whyNone({ object, sites, byKindTable }: Seen): string | undefined {
  if (sites.length > 0) {
    if (isOfOthers(object) && !byKindTable) return 'refers to other objects';
    return object.metadata.namespace === undefined
      ? 'belongs to the cluster: where its pods run is not known'
      : undefined;
  }
  const ref = fieldOf(object, ['spec', 'workloadRef', 'name']);
  if (typeof ref === 'string') return `runs the pods of ${ref}, which its workloadRef names`;
  return byKindTable ? 'has nothing where the table of kinds says' : undefined;
}

/** An account that is only named, again or beside a pod that runs as it, is listed once. */
function distinct(workloads: readonly Workload[]): readonly Workload[] {
  return workloads.filter(
    (one, index) =>
      one.pod !== undefined ||
      !workloads.some(
        (other, at) => other.serviceAccount === one.serviceAccount && (other.pod !== undefined || at < index),
      ),
  );
}

/** @returns why what stands there is no workload, unless another one there runs as the account. */
function whyUnjudged(object: KubernetesObject, { path, describes }: PodSite, judged: readonly Workload[]) {
  const value = fieldOf(object, path);
  if (describes === 'hint') {
    const named = typeof value === 'string' ? value : fieldOf(value, ['name']);
    const known = judged.some(({ serviceAccount }) => serviceAccount === named);
    return known ? undefined : `names ${String(named)} in ${path.join('.')}: what runs as it is not known (--kinds)`;
  }
  if (describes === 'pod') return isTemplate(value) ? undefined : `has no pod template at ${path.join('.')}`;
  return typeof value === 'string' && value !== '' ? undefined : `has no service account at ${path.join('.')}`;
}

/** None at all is that of a known kind, whose pods are as the defaults say. */
function isTemplate(value: unknown): boolean {
  return value === undefined || value === null || (typeof value === 'object' && !Array.isArray(value));
}

function workloadAt(
  { object, position, assumed }: PlacedObject,
  namespace: string,
  { path, describes }: PodSite,
): readonly Workload[] {
  const { kind } = object;
  const { name } = object.metadata;
  const facts = { kind, namespace, name, position, ...(assumed === true && { assumed }) };
  const value = fieldOf(object, path);
  if (describes === 'account') {
    const isNamed = typeof value === 'string' && value !== '';
    return isNamed ? [{ ...facts, path: path.slice(0, -1), serviceAccount: value, podLabels: {} }] : [];
  }
  if (describes === 'hint' || !isTemplate(value)) return [];
  const pod = path.length === 0 ? object : examplePod(object, value);
  return [{ ...facts, path, serviceAccount: serviceAccountOf(pod), podLabels: pod.metadata.labels ?? {}, pod }];
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

/** Checked when the manifest was read, for kinds that are known; of others, what is text. */
function textsOf(template: unknown, field: 'labels' | 'annotations'): Readonly<Record<string, string>> | undefined {
  const texts = fieldOf(template, ['metadata', field]);
  if (typeof texts !== 'object' || texts === null) return undefined;
  return Object.fromEntries(
    Object.entries(texts).filter((entry): entry is [string, string] => typeof entry[1] === 'string'),
  );
}

/** A pod, its set, its deployment, and what made that; of each the owners that are looked at. */
const MAX_ABOVE = 4;
const MAX_OWNERS = 4;

interface Found extends FoundWorkloads {
  readonly object: KubernetesObject;
}

function foundIn(seen: Seen): Found {
  return { ...workloadsOf(seen), object: seen.object };
}

/**
 * Whether an owner above it, which is listed, runs as whoever it runs as. Anybody may write who owns an object: what
 * runs as somebody else, and what owns itself in the end, is judged for itself.
 */
function isRepetition(one: Found, known: ReadonlyMap<string, Found>, below: readonly Found[] = []): boolean {
  if (below.includes(one) || below.length > MAX_ABOVE) return false;
  return ownersOf(one.object).some((owner) => {
    const above = known.get(owner);
    if (above === undefined || above.workloads.length === 0) return false;
    const runsAs = new Set(above.workloads.map(({ serviceAccount }) => serviceAccount));
    if (!one.workloads.every(({ serviceAccount }) => runsAs.has(serviceAccount))) return false;
    return !ownersOf(above.object).some((name) => known.has(name)) || isRepetition(above, known, [...below, one]);
  });
}

function ownersOf(object: KubernetesObject): readonly string[] {
  const owners = fieldOf(object, ['metadata', 'ownerReferences']);
  return Array.isArray(owners) ? owners.slice(0, MAX_OWNERS).map((owner) => ownerName(owner, object)) : [];
}

/** Owners live in the namespace of what they own. */
function ownerName(owner: unknown, { metadata: { namespace } }: KubernetesObject): string {
  const [apiVersion, kind, name] = ['apiVersion', 'kind', 'name'].map((field) => String(fieldOf(owner, [field])));
  return `${groupOf(apiVersion ?? '')}/${kind ?? ''}/${namespace ?? ''}/${name ?? ''}`;
}
