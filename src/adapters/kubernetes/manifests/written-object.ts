// One document of a manifest file as the Kubernetes objects that it writes down: lists are unfolded, and
// what every object must have is checked. What a cluster would add is left to read-manifests.ts.
import { hash } from 'node:crypto';
import { z } from 'zod';
import { canonicalJson } from '../../../domain/text/canonical-json.ts';
import type { Position, Problem } from '../../../domain/text/position.ts';
import { groupOf } from '../../../domain/cluster/scoped-kinds.ts';
import { toolOf } from './control-files.ts';
import { fieldOf, podTemplatePath } from '../../../domain/cluster/pod-templates.ts';
import type { FieldPath } from '../../../domain/text/field-path.ts';
import type { LocatedData } from '../../../yaml/read-yaml.ts';

const OWN_GROUP = 'capstan.dev';

/** For a missing field, one of another type and an empty one. */
function must(be: string) {
  return ({ input }: { readonly input?: unknown }): string =>
    input === undefined
      ? 'is missing'
      : typeof input === 'object'
        ? `must be ${be}`
        : `must be ${be}: put it in quotes`;
}

const text = z.string({ error: must('text') });
const name = text.min(1, 'must not be empty');
const texts = z.record(z.string(), text, { error: 'must be a mapping of names to text' }).nullish();
/** The API server makes the rest of the name (Kubernetes API, ObjectMeta): here it is a star. */
function named(data: unknown): unknown {
  const { name: given, generateName } = (data ?? {}) as { readonly name?: unknown; readonly generateName?: unknown };
  const none = given === undefined || given === null || given === '';
  if (!none || typeof generateName !== 'string' || generateName === '') return data;
  return { ...(data as object), name: `${generateName}*` };
}

const metadata = z.preprocess(
  named,
  z.looseObject(
    {
      name,
      namespace: text.nullish(),
      uid: name.nullish(),
      resourceVersion: name.nullish(),
      labels: texts,
      annotations: texts,
    },
    { error: ({ input }) => (input === undefined ? 'is missing' : 'must be a mapping') },
  ),
);
const manifest = z.looseObject({ apiVersion: name, kind: name, metadata });
const list = z.looseObject({
  apiVersion: name,
  kind: name,
  items: z.array(z.unknown(), { error: 'must be a list' }).nullish(),
});
const podTemplate = z.looseObject({
  metadata: z.looseObject({ labels: texts, annotations: texts }, { error: 'must be a mapping' }).nullish(),
  spec: z.looseObject({ serviceAccountName: text.nullish() }, { error: 'must be a mapping' }).nullish(),
});

export interface WrittenObject {
  readonly data: z.infer<typeof manifest>;
  readonly resourceVersion: string;
  readonly position: Position;
}

export interface WrittenObjects {
  readonly objects: readonly WrittenObject[];
  readonly problems: readonly Problem[];
  /** What describes nothing that a cluster holds, and what it is instead. */
  readonly passedOver?: readonly PassedOver[];
  /** The file cannot be read and looks like a template: in a chart it is one. */
  readonly template?: PassedOver;
}

export interface PassedOver {
  readonly position: Position;
  /** The tool that reads it. */
  readonly tool: string;
}

/** Policies may lie beside manifests: they are passed over. */
export function objectsIn(document: LocatedData): WrittenObjects {
  return unfold(document, document.data, []);
}

function unfold(document: LocatedData, data: unknown, path: FieldPath): WrittenObjects {
  const tool = toolOf(data);
  if (tool !== undefined) return { objects: [], problems: [], passedOver: [{ position: document.locate(path), tool }] };
  if (typeof data !== 'object' || data === null || Array.isArray(data)) {
    return refused(document, path, [{ path: [], message: 'is no Kubernetes object' }]);
  }
  if (isOwn(data)) return { objects: [], problems: [] };
  return isList(data) ? unfoldList(document, data, path) : readObject(document, data, path);
}

function unfoldList(document: LocatedData, data: object, path: FieldPath): WrittenObjects {
  const parsed = list.safeParse(data);
  if (!parsed.success) return refused(document, path, parsed.error.issues);
  const found = (parsed.data.items ?? []).map((item, index) =>
    unfold(document, itemOf(item, parsed.data), [...path, 'items', index]),
  );
  return together(found);
}

export function together(found: readonly WrittenObjects[]): WrittenObjects {
  return {
    objects: found.flatMap(({ objects }) => objects),
    problems: found.flatMap(({ problems }) => problems),
    passedOver: found.flatMap(({ passedOver = [] }) => passedOver),
  };
}

/** Items of a typed list leave out what its kind says already: those of a DeploymentList are Deployments. */
function itemOf(item: unknown, { apiVersion, kind }: z.infer<typeof list>): unknown {
  if (kind === 'List' || typeof item !== 'object' || item === null || Array.isArray(item)) return item;
  return { apiVersion, kind: kind.slice(0, -'List'.length), ...item };
}

function readObject(document: LocatedData, data: object, path: FieldPath): WrittenObjects {
  const parsed = manifest.safeParse(data);
  if (!parsed.success) return refused(document, path, parsed.error.issues);
  const problems = templateProblems(parsed.data);
  if (problems.length > 0) return refused(document, path, problems);
  // One that is written here is of the cluster that the manifest was taken from: an edit would not change it.
  const resourceVersion = hash('sha256', canonicalJson(data), 'hex').slice(0, 16);
  return { objects: [{ data: parsed.data, resourceVersion, position: document.locate(path) }], problems: [] };
}

type Issue = Pick<z.core.$ZodIssue, 'path' | 'message'>;

/** Who a workload runs as, and under which labels, is what policies ask for. */
function templateProblems(data: z.infer<typeof manifest>): readonly Issue[] {
  const path = podTemplatePath(data);
  const template = path === undefined ? undefined : fieldOf(data, path);
  if (path === undefined || template === undefined || template === null) return [];
  const issues = podTemplate.safeParse(template).error?.issues ?? [];
  return issues.map((issue) => ({ path: [...path, ...issue.path], message: issue.message }));
}

function refused(document: LocatedData, path: FieldPath, issues: readonly Issue[]): WrittenObjects {
  const problems = issues.map((issue): Problem => {
    const full = [...path, ...issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step))];
    return { position: document.locate(full), path: full.join('.'), problem: issue.message };
  });
  return { objects: [], problems };
}

function isOwn(data: object): boolean {
  return 'apiVersion' in data && typeof data.apiVersion === 'string' && groupOf(data.apiVersion) === OWN_GROUP;
}

function isList(data: object): boolean {
  if (!('kind' in data) || typeof data.kind !== 'string') return false;
  return data.kind === 'List' || (data.kind.endsWith('List') && 'items' in data && Array.isArray(data.items));
}
