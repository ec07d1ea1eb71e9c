// A set of manifest files as the cluster would hold them: namespaces, uids and versions filled in, and
// nothing there twice. Same files, same objects, whatever the order in which they are read.
import { hash } from 'node:crypto';
import path from 'node:path';
import { compareText } from '../../../domain/text/compare-text.ts';
import type { KubernetesObject } from '../../../domain/cluster/snapshot.ts';
import { formatPosition, type Position, type Problem } from '../../../domain/text/position.ts';
import { clusterScopedKinds, groupOf } from '../../../domain/cluster/scoped-kinds.ts';
import { isTemplate } from './control-files.ts';
import { atOnce, endsSlice, type Sliced } from './slices.ts';
import { objectsIn, together, type PassedOver, type WrittenObject, type WrittenObjects } from './written-object.ts';
import { yamlDocuments } from '../../../yaml/read-yaml.ts';
import { AS_KUBERNETES } from '../../../yaml/yaml-rules.ts';

const MAX_OBJECTS = 100_000;
const MAX_PROBLEMS = 1_000;

export interface PlacedObject {
  readonly object: KubernetesObject;
  readonly position: Position;
  /** The manifest names no namespace, and one was assumed. */
  readonly assumed?: true;
}

export interface Manifests {
  readonly objects: readonly PlacedObject[];
  readonly problems: readonly Problem[];
  readonly passedOver: readonly PassedOver[];
}

/**
 * @param files texts by place: what an operator calls the file.
 * @returns what is good in them, by place, and all that is wrong. Never throws.
 */
export function readManifests(files: ReadonlyMap<string, string>): Manifests {
  const places = [...files].sort(([a], [b]) => compareText(a, b));
  return joinManifests(withoutTemplates(places.map(([place, text]) => readManifestFile(text, place))));
}

/** One file by itself. What depends on others is left to `joinManifests`. */
export function readManifestFile(text: string, place: string): WrittenObjects {
  const found: WrittenObjects[] = [];
  let unreadable = false;
  for (const one of yamlDocuments(text, place, AS_KUBERNETES)) {
    unreadable ||= !('data' in one);
    found.push('data' in one ? objectsIn(one) : { objects: [], problems: [one] });
  }
  if (!unreadable || !isTemplate(text)) return together(found);
  return { ...together(found), template: { position: { place, line: 1, column: 1 }, tool: 'Helm' } };
}

/** Templates of a chart, which is known by its Chart.yaml, are passed over. What only looks like one is broken. */
export function withoutTemplates(files: readonly WrittenObjects[]): readonly WrittenObjects[] {
  const charts = files.flatMap(({ passedOver = [] }) =>
    passedOver
      .filter(({ tool }) => tool === 'Helm')
      .map(({ position }) => `${path.dirname(position.place)}${path.sep}`),
  );
  return files.map((file) => {
    const { template } = file;
    if (template === undefined || !charts.some((chart) => template.position.place.startsWith(chart))) return file;
    return { objects: [], problems: [], passedOver: [template] };
  });
}

export interface ManifestDefaults {
  /** What comes after so many is told once and left out. */
  readonly maxObjects?: number;
  /** Of objects that name none, as `kubectl --namespace` has it. */
  readonly namespace?: string;
  /** Of files that cannot be read any more; what others say of an object counts before them. */
  readonly kept?: readonly WrittenObject[];
}

/** Manifests as one state of a cluster. */
export function joinManifests(files: readonly WrittenObjects[], defaults?: ManifestDefaults): Manifests {
  return atOnce(joining(files, defaults));
}

/** As `joinManifests`, in slices. */
export function* joining(
  files: readonly WrittenObjects[],
  { maxObjects = MAX_OBJECTS, namespace = 'default', kept = [] }: ManifestDefaults = {},
): Sliced<Manifests> {
  const all = files.flatMap(({ objects }) => objects);
  const written = all.slice(0, maxObjects);
  const problems = [...files.flatMap((file) => file.problems), ...tooMany(all[maxObjects], maxObjects)];
  const clusterScoped = clusterScopedKinds([...written, ...kept].map(({ data }) => data));
  const known = new Map<string, PlacedObject>();
  for (const [index, one] of written.entries()) {
    if (endsSlice(index)) yield;
    const placed = place(one, clusterScoped, namespace);
    const name = isGenerated(one) ? `${fullName(placed.object)}#${known.size}` : fullName(placed.object);
    const first = known.get(name);
    if (first === undefined) known.set(name, placed);
    else problems.push(repeated(placed, first.position));
  }
  for (const [index, one] of kept.slice(0, Math.max(0, maxObjects - written.length)).entries()) {
    if (endsSlice(index)) yield;
    const placed = place(one, clusterScoped, namespace);
    const name = fullName(placed.object);
    if (!known.has(name)) known.set(name, placed);
  }
  const passedOver = files.flatMap((file) => file.passedOver ?? []);
  return { objects: [...known.values()], problems: problems.slice(0, MAX_PROBLEMS), passedOver };
}

/** Two of one such name are two objects: the API server names them apart. */
function isGenerated({ data: { metadata } }: WrittenObject): boolean {
  return typeof metadata['generateName'] === 'string' && metadata.name === `${metadata['generateName']}*`;
}

/** As the API server would store it. */
function place(
  { data, resourceVersion, position }: WrittenObject,
  clusterScoped: ReadonlySet<string>,
  assumed: string,
): PlacedObject {
  const { namespace, uid, labels, annotations, ...rest } = data.metadata;
  const none = namespace === undefined || namespace === null || namespace === '';
  const isCluster = clusterScoped.has(`${groupOf(data.apiVersion)}/${data.kind}`);
  const metadata = {
    ...rest,
    ...(!isCluster && { namespace: none ? assumed : namespace }),
    resourceVersion,
    ...(labels !== undefined && labels !== null && { labels }),
    ...(annotations !== undefined && annotations !== null && { annotations }),
  };
  const { apiVersion, kind } = data;
  const object = {
    ...data,
    metadata: { ...metadata, uid: uid ?? derivedUid(fullName({ apiVersion, kind, metadata })) },
  };
  return { object, position, ...(none && !isCluster && { assumed: true as const }) };
}

type Named = Pick<KubernetesObject, 'apiVersion' | 'kind'> & {
  readonly metadata: Pick<KubernetesObject['metadata'], 'name' | 'namespace'>;
};

/** Two groups may use one kind: both Istio and the Gateway API have a Gateway. */
export function fullName({ apiVersion, kind, metadata: { namespace, name } }: Named): string {
  return `${groupOf(apiVersion)}/${kind}/${namespace ?? ''}/${name}`;
}

/** The same for the same object on every machine, and spelled like the API server's. */
export function derivedUid(name: string): string {
  return hash('sha256', name, 'hex').replace(/^(.{8})(.{4})(.{4})(.{4})(.{12}).*$/, '$1-$2-$3-$4-$5');
}

function repeated({ object: { kind, metadata }, position }: PlacedObject, first: Position): Problem {
  const words = metadata.namespace === undefined ? metadata.name : `${metadata.namespace}/${metadata.name}`;
  return { position, path: '', problem: `${kind} ${words} is there twice: first at ${formatPosition(first)}` };
}

function tooMany(next: WrittenObject | undefined, maxObjects: number): readonly Problem[] {
  if (next === undefined) return [];
  return [{ position: next.position, path: '', problem: `is one more than ${maxObjects} objects` }];
}
