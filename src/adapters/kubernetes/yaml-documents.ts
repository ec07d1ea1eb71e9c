// The text of a manifest file as documents of plain data, each knowing where its fields stand. YAML 1.2 as
// Kubernetes' tools write it; JSON is a part of it. Plain `yes` and `no` and dates stay text.
import { isMap, isScalar, isSeq, LineCounter, type Node, type YAMLError } from 'yaml';
import type { Position, Problem } from '../../domain/position.ts';
import { PlainReader, startOf, type NodeProblem } from './plain-data.ts';
import { errorWords, parseYaml } from './yaml-syntax.ts';

export const MAX_FILE_BYTES = 1024 * 1024;
/** Of one broken file; mending some mends most of the rest. */
const MAX_PROBLEMS = 20;

export type Path = readonly (string | number)[];

export interface YamlDocument {
  readonly data: unknown;
  /** Where the field begins, or what is left of it: the innermost thing on the path that exists. */
  locate(path: Path): Position;
}

interface YamlDocuments {
  readonly documents: readonly YamlDocument[];
  readonly problems: readonly Problem[];
}

/** Documents that hold nothing are left out, those with problems too. Never throws. */
export function readYaml(text: string, place: string): YamlDocuments {
  const unreadable = whyUnreadable(text);
  if (unreadable !== undefined) {
    return { documents: [], problems: [{ position: { place, line: 1, column: 1 }, path: '', problem: unreadable }] };
  }
  const lines = new LineCounter();
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { place, line, column: col };
  };
  const { roots, problems } = readRoots(text, lines);
  return {
    documents: roots.map(({ data, root }) => ({ data, locate: (path) => at(offsetOf(root, path)) })),
    problems: problems.slice(0, MAX_PROBLEMS).map(({ offset, ...rest }) => ({ position: at(offset), ...rest })),
  };
}

function whyUnreadable(text: string): string | undefined {
  if (Buffer.byteLength(text) > MAX_FILE_BYTES) return `is larger than ${MAX_FILE_BYTES} bytes`;
  // Bytes that are not UTF-8 were replaced when the file was read.
  return /[\0\uFFFD]/.test(text) ? 'is not UTF-8 text' : undefined;
}

interface Roots {
  readonly roots: { readonly root: Node; readonly data: unknown }[];
  readonly problems: NodeProblem[];
}

function readRoots(text: string, lines: LineCounter): Roots {
  const found: Roots = { roots: [], problems: [] };
  const parsed = parseYaml(text, lines);
  if ('problem' in parsed) return { roots: [], problems: [parsed] };
  const reader = new PlainReader();
  for (const { contents: root, errors } of parsed) {
    const { data, problems } = errors.length > 0 || root === null ? refused(errors) : reader.read(root);
    found.problems.push(...problems.slice(0, MAX_PROBLEMS));
    if (problems.length === 0 && root !== null && data !== null) found.roots.push({ root, data });
  }
  return found;
}

function refused(errors: readonly YAMLError[]): { readonly data: null; readonly problems: readonly NodeProblem[] } {
  const problems = errors
    .slice(0, MAX_PROBLEMS)
    .map((error) => ({ offset: error.pos[0], path: '', problem: errorWords(error) }));
  return { data: null, problems };
}

function offsetOf(root: unknown, path: Path): number {
  let node = root;
  let offset = startOf(root);
  for (const step of path) {
    const next = stepInto(node, step);
    if (next === undefined) break;
    ({ node, offset } = next);
  }
  return offset;
}

/** A mapping's entry begins with its key. */
function stepInto(node: unknown, step: string | number): { node: unknown; offset: number } | undefined {
  if (isMap(node)) {
    const pair = node.items.find(({ key }) => isScalar(key) && key.value === step);
    return pair === undefined ? undefined : { node: pair.value, offset: startOf(pair.key) };
  }
  const item: unknown = isSeq(node) ? node.items[Number(step)] : undefined;
  return item === undefined ? undefined : { node: item, offset: startOf(item) };
}
