// A file of YAML documents as plain data with the place of every field. What size and nesting allow is in
// yaml-syntax.ts, what data is in plain-yaml.ts.
import { LineCounter, type Document } from 'yaml';
import type { Position, Problem } from '../../domain/text/position.ts';
import type { FieldPath } from '../../domain/text/field-path.ts';
import { PlainYaml } from './plain-yaml.ts';
import { spelledPath, type FieldProblem } from './schema/problems.ts';
import { YamlPositions } from './yaml-positions.ts';
import { parseYaml, problemsOf, type TextProblem } from './yaml-syntax.ts';

const MAX_FILE_BYTES = 1024 * 1024;
/** Of one document; who has more mends these first. */
const MAX_PROBLEMS = 1_000;

export interface YamlDocument {
  /** JSON data. */
  readonly data: unknown;
  /** As in ParsedDocument. */
  readonly locate: (path: FieldPath) => Position;
}

export interface YamlFile {
  readonly documents: readonly YamlDocument[];
  /** Each belongs to no document in `documents`. */
  readonly problems: readonly Problem[];
}

/** @param place what an operator calls the text. Never throws. */
export function readYamlFile(text: string, place: string): YamlFile {
  const unreadable = whyUnreadable(text);
  if (unreadable !== undefined) return refused(place, unreadable);
  const lines = new LineCounter();
  const positions = new YamlPositions(place, lines);
  const parsed = parseYaml(text, lines);
  if ('problem' in parsed) return { documents: [], problems: [placed(parsed, positions)] };
  const written = parsed.filter(({ contents, errors }) => errors.length > 0 || !isEmpty(contents));
  if (written.length === 0) return refused(place, 'holds no policy document');
  const reader = new PlainYaml();
  const read = written.map((document) => readOne(document, reader, positions, text));
  return {
    documents: read.flatMap(({ documents }) => documents),
    problems: read.flatMap(({ problems }) => problems),
  };
}

/** What a schema found in a document, each at its place and in the order of the file. */
export function placedProblems({ data, locate }: YamlDocument, problems: readonly FieldProblem[]): readonly Problem[] {
  return problems
    .slice(0, MAX_PROBLEMS)
    .map(({ path, problem }) => ({ position: locate(path), path: spelledPath(data, path), problem }))
    .sort(({ position: a }, { position: b }) => a.line - b.line || a.column - b.column);
}

function whyUnreadable(text: string): string | undefined {
  if (Buffer.byteLength(text) > MAX_FILE_BYTES) return `is larger than ${MAX_FILE_BYTES} bytes`;
  // A replacement character is what is left of bytes that are not UTF-8.
  return /[\0\uFFFD]/.test(text) ? 'is not UTF-8 text' : undefined;
}

function refused(place: string, problem: string): YamlFile {
  return { documents: [], problems: [{ position: { place, line: 1, column: 1 }, path: '', problem }] };
}

/** Nothing between two `---`, or a comment alone. */
function isEmpty(contents: Document['contents']): boolean {
  return contents === null || contents.range?.[0] === contents.range?.[1];
}

function readOne({ contents, errors }: Document, reader: PlainYaml, positions: YamlPositions, text: string): YamlFile {
  const complaints: TextProblem[] = [...problemsOf(errors, text, MAX_PROBLEMS)];
  const before = reader.problems.length;
  const data = complaints.length === 0 ? reader.read(contents) : undefined;
  complaints.push(...reader.problems.slice(before, before + MAX_PROBLEMS));
  if (complaints.length > 0 || reader.tooLarge) {
    return { documents: [], problems: complaints.map((one) => placed(one, positions)) };
  }
  return { documents: [{ data, locate: (path) => positions.locate(contents, path) }], problems: [] };
}

function placed({ offset, path, problem }: TextProblem, positions: YamlPositions): Problem {
  return { position: positions.atOffset(offset), path, problem };
}
