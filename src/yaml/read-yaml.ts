// The text of a manifest file as documents of plain data, each knowing where its fields stand. It is cut at the
// lines at which Kubernetes cuts it, and read one document after the other, so that only one at a time is held as
// a tree. JSON is a part of YAML.
import { isMap, isScalar, isSeq, LineCounter, type Node } from 'yaml';
import type { Position, Problem } from '../domain/text/position.ts';
import { PlainReader, startOf, type NodeProblem } from './plain-data.ts';
import { LexemeBudget, parseYaml, problemsOf } from './syntax.ts';

/** Release manifests of whole platforms have one to four megabytes. */
export const MAX_FILE_BYTES = 16 * 1024 * 1024;
/** What 16 MiB of dense manifests have. */
const MAX_LEXEMES = 4_000_000;
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

export interface YamlReading {
  /** Refuses what YAML 1.2 would read differently: for what is written for us. Absent, Kubernetes' reading counts. */
  readonly plain?: boolean;
  readonly maxBytes?: number;
  readonly maxLexemes?: number;
}

/** Documents that hold nothing are left out, those with problems too. Never throws. */
export function readYaml(text: string, place: string, how: YamlReading = {}): YamlDocuments {
  const documents: YamlDocument[] = [];
  const problems: Problem[] = [];
  for (const one of yamlDocuments(text, place, how)) {
    if ('data' in one) documents.push(one);
    else problems.push(one);
  }
  return { documents, problems };
}

/** As `readYaml`, one at a time; problems are no more than are worth telling. */
export function* yamlDocuments(
  text: string,
  place: string,
  { plain = false, maxBytes = MAX_FILE_BYTES, maxLexemes = MAX_LEXEMES }: YamlReading = {},
): Generator<YamlDocument | Problem> {
  const unreadable = whyUnreadable(text, maxBytes);
  if (unreadable !== undefined) {
    yield { position: { place, line: 1, column: 1 }, path: '', problem: unreadable };
    return;
  }
  const at = positionsIn(text, place);
  const [budget, reader] = [new LexemeBudget(maxLexemes), new PlainReader(text.length, { plain })];
  let told = 0;
  for (const { begin, end } of partsOf(text)) {
    if (budget.isOver) return;
    const { root, data, problems } = readPart(text.slice(begin, end), budget, reader);
    for (const { offset, ...rest } of problems) {
      told += 1;
      if (told <= MAX_PROBLEMS) yield { position: at(begin + offset), ...rest };
    }
    if (problems.length === 0 && data !== null) yield { data, locate: (path) => at(begin + offsetOf(root, path)) };
  }
}

/** Control characters, which YAML has none of (section 5.1), and what stands for bytes that could not be read. */
const NOT_TEXT = /(?![\t\n\r\u0085])[\p{Cc}\uFFFD]/u;
/** One file is read as one version, which is Kubernetes'. */
const OTHER_VERSION = /^%YAML[ \t]+(?!1\.1\s)/m;

function whyUnreadable(text: string, maxBytes: number): string | undefined {
  if (Buffer.byteLength(text) > maxBytes) return `is larger than ${maxBytes} bytes`;
  // Bytes that are not UTF-8 were replaced when the file was read.
  if (NOT_TEXT.test(text)) return 'is not UTF-8 text';
  if (OTHER_VERSION.test(text)) return 'claims a version of YAML that Kubernetes does not read: it reads 1.1';
  // To YAML 1.1, which Kubernetes reads, these end a line (section 4.2); to us they would be a part of it.
  return /\r(?!\n)|[\u0085\u2028\u2029]/.test(text) ? 'ends lines otherwise than with \\n or \\r\\n' : undefined;
}

function positionsIn(text: string, place: string): (offset: number) => Position {
  const lines = new LineCounter();
  lines.addNewLine(0);
  for (let end = text.indexOf('\n'); end >= 0; end = text.indexOf('\n', end + 1)) lines.addNewLine(end + 1);
  return (offset) => {
    const { line, col } = lines.linePos(offset);
    return { place, line, column: col };
  };
}

/** A line of three dashes, maybe with a comment (k8s.io/apimachinery/pkg/util/yaml, YAMLReader). */
const SEPARATOR = /^---[ \t]*(?:#.*)?\r?$/gm;
/** Directives belong to the document behind the line that follows them. */
const ONLY_DIRECTIVES = /^(?:[ \t]*(?:#.*)?\r?\n)*%[^\n]*\n(?:(?:%|[ \t]*#|[ \t]*\r?$)[^\n]*\n?)*$/;

interface Part {
  readonly begin: number;
  readonly end: number;
}

function* partsOf(text: string): Generator<Part> {
  let begin = 0;
  for (const { index } of text.matchAll(SEPARATOR)) {
    if (index === begin || ONLY_DIRECTIVES.test(text.slice(begin, index))) continue;
    yield { begin, end: index };
    begin = index;
  }
  yield { begin, end: text.length };
}

interface ReadPart {
  readonly root: Node | null;
  /** Nothing of use beside problems. */
  readonly data: unknown;
  readonly problems: readonly NodeProblem[];
}

function readPart(text: string, budget: LexemeBudget, reader: PlainReader): ReadPart {
  const refused = (problems: readonly NodeProblem[]): ReadPart => ({ root: null, data: null, problems });
  const parsed = parseYaml(text, budget);
  if ('problem' in parsed) return refused([parsed]);
  const errors = parsed.flatMap((document) => document.errors);
  if (errors.length > 0) return refused(problemsOf(errors, text, MAX_PROBLEMS));
  const [document, surplus] = parsed.filter(({ contents }) => !isNothing(contents));
  if (surplus !== undefined) {
    const problem = 'stands behind the end of a document: Kubernetes reads nothing there; begin it with a line ---';
    return refused([{ offset: startOf(surplus.contents), path: '', problem }]);
  }
  const root = document?.contents ?? null;
  return root === null ? refused([]) : { root, ...reader.read(root) };
}

/** Between two separators, or a comment alone. */
function isNothing(contents: Node | null): boolean {
  return contents === null || (isScalar(contents) && contents.type === 'PLAIN' && contents.value === '');
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
