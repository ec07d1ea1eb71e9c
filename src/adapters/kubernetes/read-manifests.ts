// A set of manifest files as the cluster would hold them: namespaces, uids and versions filled in, and
// nothing there twice. Same files, same objects, whatever the order in which they are read.
import { hash } from 'node:crypto';
import { compareText } from '../../domain/policy/names.ts';
import type { KubernetesObject } from '../../domain/policy/snapshot.ts';
import { positionInWords, type Position, type Problem } from '../../domain/position.ts';
import { clusterScopedKinds, groupOf } from './cluster-scoped-kinds.ts';
import { objectsIn, type WrittenObject, type WrittenObjects } from './written-object.ts';
import { readYaml } from './yaml-documents.ts';

const MAX_OBJECTS = 100_000;
const MAX_PROBLEMS = 1_000;

export interface PlacedObject {
  readonly object: KubernetesObject;
  readonly position: Position;
}

export interface Manifests {
  readonly objects: readonly PlacedObject[];
  readonly problems: readonly Problem[];
}

/**
 * @param files texts by place: what an operator calls the file.
 * @returns what is good in them, by place, and all that is wrong. Never throws.
 */
export function readManifests(files: ReadonlyMap<string, string>): Manifests {
  const places = [...files].sort(([a], [b]) => compareText(a, b));
  return joinManifests(places.map(([place, text]) => readManifestFile(text, place)));
}

/** One file by itself. What depends on others is left to `joinManifests`. */
export function readManifestFile(text: string, place: string): WrittenObjects {
  const { documents, problems } = readYaml(text, place);
  const found = documents.map(objectsIn);
  return {
    objects: found.flatMap(({ objects }) => objects),
    problems: [...problems, ...found.flatMap((one) => one.problems)],
  };
}

/** @param maxObjects what comes after so many is told once and left out. */
export function joinManifests(files: readonly WrittenObjects[], maxObjects: number = MAX_OBJECTS): Manifests {
  const all = files.flatMap(({ objects }) => objects);
  const written = all.slice(0, maxObjects);
  const problems = [...files.flatMap((file) => file.problems), ...tooMany(all[maxObjects], maxObjects)];
  const clusterScoped = clusterScopedKinds(written.map(({ data }) => data));
  const known = new Map<string, PlacedObject>();
  for (const one of written) {
    const placed = { object: completed(one, clusterScoped), position: one.position };
    const name = fullName(placed.object);
    const first = known.get(name);
    if (first === undefined) known.set(name, placed);
    else problems.push(repeated(placed, first.position));
  }
  return { objects: [...known.values()], problems: problems.slice(0, MAX_PROBLEMS) };
}

/** As the API server would store it: without a namespace kubectl means `default`. */
function completed({ data, resourceVersion }: WrittenObject, clusterScoped: ReadonlySet<string>): KubernetesObject {
  const { namespace, uid, labels, annotations, ...rest } = data.metadata;
  const scope = clusterScoped.has(`${groupOf(data.apiVersion)}/${data.kind}`)
    ? {}
    : { namespace: namespace === undefined || namespace === null || namespace === '' ? 'default' : namespace };
  const metadata = {
    ...rest,
    ...scope,
    resourceVersion,
    ...(labels !== undefined && labels !== null && { labels }),
    ...(annotations !== undefined && annotations !== null && { annotations }),
  };
  const { apiVersion, kind } = data;
  return { ...data, metadata: { ...metadata, uid: uid ?? derivedUid(fullName({ apiVersion, kind, metadata })) } };
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
  return { position, path: '', problem: `${kind} ${words} is there twice: first at ${positionInWords(first)}` };
}

function tooMany(next: WrittenObject | undefined, maxObjects: number): readonly Problem[] {
  if (next === undefined) return [];
  return [{ position: next.position, path: '', problem: `is one more than ${maxObjects} objects` }];
}
