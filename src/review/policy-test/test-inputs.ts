// What a policy test stands on, each part a path beside the test or written into it: the policies, and the
// objects of the cluster.
import { snapshotOf } from '../../adapters/kubernetes/manifests/manifest-snapshot.ts';
import { joinManifests, readManifestFile } from '../../adapters/kubernetes/manifests/read-manifests.ts';
import { objectsIn, type WrittenObjects } from '../../adapters/kubernetes/manifests/written-object.ts';
import type { FieldPath } from '../../domain/text/field-path.ts';
import type { LocatedData } from '../../yaml/read-yaml.ts';
import { parsePolicyDocuments, type ParsedDocument } from '../../adapters/policy/source/parse-documents.ts';
import { unsyncedSnapshot, type ClusterSnapshot } from '../../domain/cluster/snapshot.ts';
import type { Problem } from '../../domain/text/position.ts';
import type { WrittenSnapshot } from './policy-test-schema.ts';
import { parseTexts, type SourceText } from '../sources/policy-texts.ts';

/**
 * The texts of a file or directory that a test names beside itself, or why there are none.
 * @param place of the test. @param named as the test spells it, relative to its own place.
 */
export type TextsBeside = (
  place: string,
  named: string,
) => Promise<readonly SourceText[] | { readonly problem: string }>;

/** A part of a document, knowing where it stands there. */
export interface Part {
  readonly document: LocatedData;
  readonly path: FieldPath;
  readonly written: string | object;
}

/** Policy documents of one part: of a file or directory, or the one that is written there. */
export async function policiesOf(
  part: Part,
  textsBeside: TextsBeside,
): Promise<{ readonly documents: readonly ParsedDocument[]; readonly problems: readonly Problem[] }> {
  const { written } = part;
  if (typeof written !== 'string') return inlinePolicy(part, written);
  const texts = await textsOf(part, written, textsBeside);
  if ('problem' in texts) return { documents: [], problems: [texts] };
  // Folders bind policies to namespaces on a server only: a test may name a file wherever it is.
  return parseTexts(texts.map(({ place, text }) => ({ place, text })));
}

/** @returns the cluster of a case, or what is wrong with it. */
export async function snapshotOfCase(
  document: LocatedData,
  at: FieldPath,
  written: WrittenSnapshot,
  textsBeside: TextsBeside,
): Promise<ClusterSnapshot | { readonly problems: readonly Problem[] }> {
  if (written === 'unsynced') return unsyncedSnapshot('the test says so');
  const files: WrittenObjects[] = [];
  for (const [index, one] of written.entries()) {
    files.push(...(await manifestsOf({ document, path: [...at, index], written: one }, textsBeside)));
  }
  const { objects, problems } = joinManifests(files);
  return problems.length > 0 ? { problems } : snapshotOf(objects);
}

async function manifestsOf(part: Part, textsBeside: TextsBeside): Promise<readonly WrittenObjects[]> {
  const { document, path: at, written } = part;
  if (typeof written !== 'string') {
    const { objects, problems } = objectsIn({
      data: written,
      locate: (within) => document.locate([...at, ...within]),
    });
    return [{ objects, problems: problems.map((one) => ({ ...one, path: [...at, one.path].join('.') })) }];
  }
  const texts = await textsOf(part, written, textsBeside);
  if ('problem' in texts) return [{ objects: [], problems: [texts] }];
  return texts.map(({ place, text }) => readManifestFile(text, place));
}

/** Its text is gone; as JSON it says the same, and what is wrong is found again by its path. */
function inlinePolicy({ document, path: at }: Part, written: object) {
  const position = document.locate(at);
  const { documents, problems } = parsePolicyDocuments(JSON.stringify(written), position.place);
  return {
    documents: documents.map((parsed) => ({ ...parsed, position })),
    problems: problems.map(({ path: dotted, problem }) => {
      const steps = [...at, ...stepsOf(dotted, written)];
      return { position: document.locate(steps), path: steps.join('.'), problem };
    }),
  };
}

/** Policies name the entries of a list by `id` where they have one; here the number is needed. */
function stepsOf(dotted: string, written: unknown): FieldPath {
  let value = written;
  return (dotted === '' ? [] : dotted.split('.')).map((name) => {
    const list: readonly unknown[] | undefined = Array.isArray(value) ? value : undefined;
    const named = list?.findIndex((entry) => memberOf(entry, 'id') === name) ?? -1;
    const step = list === undefined ? name : named >= 0 ? named : Number(name);
    value = memberOf(value, String(step));
    return step;
  });
}

function memberOf(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[name] : undefined;
}

/** @returns the texts, or why there are none, at the place that names them. */
async function textsOf(
  { document, path }: Part,
  named: string,
  textsBeside: TextsBeside,
): Promise<readonly SourceText[] | Problem> {
  const position = document.locate(path);
  const texts = await textsBeside(position.place, named);
  return 'problem' in texts ? { position, path: path.join('.'), problem: texts.problem } : texts;
}

/** A problem of what the test itself says. */
export function problemAt(document: LocatedData, path: FieldPath, problem: string): Problem {
  return { position: document.locate(path), path: path.join('.'), problem };
}
