// Policy files: text in, checked documents out, each with the place of every field in it and the canonical
// bytes that are signed and digested. Everything that is wrong is told at once; nothing is guessed.
import { hash } from 'node:crypto';
import { LineCounter, type Document } from 'yaml';
import { canonicalJson } from '../../domain/canonical-json.ts';
import type { PolicyDocument } from '../../domain/policy/documents.ts';
import type { Position, Problem } from '../../domain/position.ts';
import { readDocument } from './document-schema.ts';
import { PlainYaml } from './plain-yaml.ts';
import { spelledPath } from './schema-problems.ts';
import { YamlPositions, type FieldPath } from './yaml-positions.ts';
import { errorWords, parseYaml, type TextProblem } from './yaml-syntax.ts';

const MAX_FILE_BYTES = 1024 * 1024;
/** Of one file; who has more mends these first. */
const MAX_PROBLEMS = 1_000;

export interface ParsedDocument {
  /** Where it begins. */
  readonly position: Position;
  readonly document: PolicyDocument;
  /** As it is written, without defaults: JSON data. */
  readonly data: unknown;
  /** `data` in the one spelling of RFC 8785: however the file is laid out, it is the same. */
  readonly canonical: string;
  /** SHA-256 of `canonical`, hex. */
  readonly digest: string;
  /**
   * Where a field stands: its key, or its entry in a list, which is named by number or by `id`. What is not
   * written is found at the innermost part of the path that is.
   */
  locate(path: FieldPath): Position;
}

export interface ParsedFile {
  /** Those without problems. A user that wants all or nothing looks at `problems`. */
  readonly documents: readonly ParsedDocument[];
  /** In the order of the file. */
  readonly problems: readonly Problem[];
}

/**
 * @param text YAML 1.2 or JSON: one or more policy documents.
 * @param place what an operator calls the text: a file's path.
 * @returns what is good in it, and everything that is not. Never throws.
 */
export function parsePolicyDocuments(text: string, place: string): ParsedFile {
  const unreadable = whyUnreadable(text);
  if (unreadable !== undefined) return refused(place, unreadable);
  const lines = new LineCounter();
  const positions = new YamlPositions(place, lines);
  const parsed = parseYaml(text, lines);
  if ('problem' in parsed) return { documents: [], problems: [placed(parsed, positions)] };
  const written = parsed.filter(({ contents, errors }) => errors.length > 0 || !isEmpty(contents));
  if (written.length === 0) return refused(place, 'holds no policy document');
  const reader = new PlainYaml();
  const read = written.map((document) => readOne(document, reader, positions));
  return {
    documents: read.flatMap(({ documents }) => documents),
    problems: read.flatMap(({ problems }) => problems).slice(0, MAX_PROBLEMS),
  };
}

function whyUnreadable(text: string): string | undefined {
  if (text.length > MAX_FILE_BYTES || Buffer.byteLength(text) > MAX_FILE_BYTES) {
    return `is larger than ${MAX_FILE_BYTES} bytes`;
  }
  // A replacement character is what is left of bytes that are not UTF-8.
  return /[\0\uFFFD]/.test(text) ? 'is not UTF-8 text' : undefined;
}

function refused(place: string, problem: string): ParsedFile {
  return { documents: [], problems: [{ position: { place, line: 1, column: 1 }, path: '', problem }] };
}

/** Nothing between two `---`, or a comment alone. */
function isEmpty(contents: Document['contents']): boolean {
  return contents === null || contents.range?.[0] === contents.range?.[1];
}

function readOne({ contents, errors }: Document, reader: PlainYaml, positions: YamlPositions): ParsedFile {
  const complaints: TextProblem[] = errors.map((error) => ({
    offset: error.pos[0],
    path: '',
    problem: errorWords(error),
  }));
  const before = reader.problems.length;
  const data = complaints.length === 0 ? reader.read(contents) : undefined;
  complaints.push(...reader.problems.slice(before, before + MAX_PROBLEMS));
  if (complaints.length > 0 || reader.tooLarge) {
    return { documents: [], problems: complaints.map((one) => placed(one, positions)) };
  }
  return checked(data, (path) => positions.locate(contents, path));
}

function checked(data: unknown, locate: ParsedDocument['locate']): ParsedFile {
  const document = readDocument(data);
  if ('problems' in document) {
    const problems = document.problems.map(({ path, problem }) => ({
      position: locate(path),
      path: spelledPath(data, path),
      problem,
    }));
    return { documents: [], problems: problems.sort(byPosition) };
  }
  const canonical = canonicalJson(data);
  const digest = hash('sha256', canonical, 'hex');
  return { documents: [{ position: locate([]), document, data, canonical, digest, locate }], problems: [] };
}

function placed({ offset, path, problem }: TextProblem, positions: YamlPositions): Problem {
  return { position: positions.atOffset(offset), path, problem };
}

function byPosition({ position: a }: Problem, { position: b }: Problem): number {
  return a.line - b.line || a.column - b.column;
}
