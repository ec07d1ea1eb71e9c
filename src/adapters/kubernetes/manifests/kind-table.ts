// Where objects of kinds that nobody can know describe their pods, or name the service account that these run as: a
// table in a file, told by who made the kinds. What it says of a kind counts instead of the shape of its objects.
import { z } from 'zod';
import type { Problem } from '../../../domain/text/position.ts';
import { groupOf } from '../../../domain/cluster/scoped-kinds.ts';
import { fieldOf, isKnownKind, kindKeyOf, type PodSite } from '../../../domain/cluster/pod-templates.ts';
import type { FieldPath } from '../../../domain/text/field-path.ts';
import { readYaml, type LocatedData } from '../../../yaml/read-yaml.ts';
import { BESIDE_MANIFESTS } from '../../../yaml/yaml-rules.ts';

/** A step into a list: each of its entries. */
const EACH = '[]';

export interface ListedKind {
  /** Steps from the object; `[]` enters a list. */
  readonly path: readonly string[];
  /** Whether a pod template stands there, or the name of a service account. */
  readonly describes: 'pod' | 'account';
}

/** By `group/kind`. */
export type KindTable = ReadonlyMap<string, readonly ListedKind[]>;

const MAX_ENTRIES = 1_000;
const MAX_STEPS = 16;
const MAX_LENGTH = 1_000;

/** For a field that is missing, and one of another type. */
function must(be: string) {
  return ({ input }: { readonly input?: unknown }): string => (input === undefined ? 'is missing' : `must be ${be}`);
}

const text = z.string({ error: must('text') });
const path = z
  .string({ error: must('a path such as spec.template') })
  .max(MAX_LENGTH, `must be no longer than ${MAX_LENGTH} characters`)
  .regex(
    /^[^.[\]\s]+(?:\[\])*(?:\.[^.[\]\s]+(?:\[\])*)*$/,
    'must be a path such as spec.template or spec.tasks[].template',
  )
  .transform((text) => text.replaceAll(EACH, `.${EACH}`).split('.'))
  .refine((steps) => steps.length <= MAX_STEPS, `must have no more than ${MAX_STEPS} steps`);

const entry = z
  .strictObject(
    {
      apiVersion: text.min(1, 'must not be empty').optional(),
      group: text.optional(),
      kind: text.min(1, 'must not be empty'),
      podTemplate: path.optional(),
      serviceAccount: path.optional(),
    },
    'must be a mapping',
  )
  .refine((one) => (one.apiVersion === undefined) !== (one.group === undefined), 'must have apiVersion or group')
  .refine(
    (one) => (one.podTemplate === undefined) !== (one.serviceAccount === undefined),
    'must have podTemplate or serviceAccount',
  )
  .refine((one) => !isKnownKind(keyOfEntry(one)), 'is of a kind of Kubernetes, which is known');

const table = z.strictObject(
  {
    kinds: z
      .array(entry, { error: must('a list') })
      .min(1, 'must not be empty')
      .max(MAX_ENTRIES, `must have no more than ${MAX_ENTRIES} entries`),
  },
  'must be a mapping with a list of kinds',
);

/** @returns the table, or all that is wrong with it, at its place. Never throws. */
export function readKindTable(
  text: string,
  place: string,
): { readonly kinds: KindTable } | { readonly problems: readonly Problem[] } {
  const { documents, problems } = readYaml(text, place, BESIDE_MANIFESTS);
  const [document, another] = documents;
  if (problems.length > 0) return { problems };
  if (document === undefined || another !== undefined) {
    const position = another?.locate([]) ?? { place, line: 1, column: 1 };
    return { problems: [{ position, path: '', problem: 'must be one document with a list of kinds' }] };
  }
  const parsed = table.safeParse(document.data);
  if (!parsed.success) return { problems: parsed.error.issues.flatMap((issue) => problemsOf(issue, document)) };
  const kinds = new Map<string, ListedKind[]>();
  for (const one of parsed.data.kinds)
    kinds.set(keyOfEntry(one), [...(kinds.get(keyOfEntry(one)) ?? []), listedBy(one)]);
  return { kinds };
}

interface Entry {
  readonly apiVersion?: string | undefined;
  readonly group?: string | undefined;
  readonly kind: string;
}

/** @returns what the table names and the object has, in the order of the table; nothing where it does not know the kind. */
export function sitesNamedBy(
  manifest: Parameters<typeof kindKeyOf>[0],
  kinds: KindTable,
): readonly PodSite[] | undefined {
  return kinds
    .get(kindKeyOf(manifest))
    ?.flatMap(({ path, describes }) => pathsIn(manifest, path).map((found) => ({ path: found, describes })));
}

function pathsIn(manifest: unknown, steps: readonly string[]): readonly (readonly string[])[] {
  let paths: readonly (readonly string[])[] = [[]];
  for (const step of steps) {
    paths = paths.flatMap((path) => {
      if (step !== EACH) return [[...path, step]];
      const list = fieldOf(manifest, path);
      return Array.isArray(list) ? list.map((_, index) => [...path, String(index)]) : [];
    });
  }
  return paths.filter((path) => (fieldOf(manifest, path) ?? null) !== null);
}

/** The version makes no other kind. */
function keyOfEntry({ apiVersion, group, kind }: Entry): string {
  return `${group ?? groupOf(apiVersion ?? '')}/${kind}`;
}

function listedBy({ podTemplate, serviceAccount = [] }: z.infer<typeof entry>): ListedKind {
  return podTemplate === undefined
    ? { path: serviceAccount, describes: 'account' }
    : { path: podTemplate, describes: 'pod' };
}

function problemsOf(issue: z.core.$ZodIssue, document: LocatedData): readonly Problem[] {
  const at = issue.path.map((step) => (typeof step === 'symbol' ? String(step) : step));
  const problem = (path: FieldPath, words: string): Problem => ({
    position: document.locate(path),
    path: path.join('.'),
    problem: words,
  });
  if (issue.code !== 'unrecognized_keys') return [problem(at, issue.message)];
  return issue.keys.map((key) => problem([...at, key], 'is no field of this table'));
}
