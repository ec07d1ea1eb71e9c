// The one reader of YAML: a text as documents of plain data, each knowing where its fields stand. Size, nesting and
// words are bounded before anything is built of them. JSON is a part of YAML.
import { LineCounter, type Document, type Node } from 'yaml';
import type { FieldPath } from '../domain/text/field-path.ts';
import type { Position, Problem } from '../domain/text/position.ts';
import { partsOf, whyUnreadable, type Part } from './cut.ts';
import { locateField, locateValue } from './locate.ts';
import { isNothing, startOf } from './nodes.ts';
import { PlainReader, type NodeProblem } from './plain-data.ts';
import { LexemeBudget, parseYaml, problemsOf } from './syntax.ts';
import type { YamlRules } from './yaml-rules.ts';

/** JSON data, and where in a text it stands. */
export interface LocatedData {
  readonly data: unknown;
  /** Where the field begins, with its name, or what is left of it: the innermost thing on the path that exists. */
  readonly locate: (path: FieldPath) => Position;
}

export interface YamlDocument extends LocatedData {
  /** As `locate`, the value of the field. */
  readonly valueAt: (path: FieldPath) => YamlValue;
}

export interface YamlValue {
  readonly position: Position;
  /** Of a scalar without quotes, as it is written: `1.10` is not `1.1`. */
  readonly spelling: string | undefined;
}

export interface YamlDocuments {
  readonly documents: readonly YamlDocument[];
  readonly problems: readonly Problem[];
}

/** @param place what an operator calls the text. @returns documents without problems, and all problems. Never throws. */
export function readYaml(text: string, place: string, rules: YamlRules): YamlDocuments {
  const documents: YamlDocument[] = [];
  const problems: Problem[] = [];
  for (const one of yamlDocuments(text, place, rules)) {
    if ('data' in one) documents.push(one);
    else problems.push(one);
  }
  return { documents, problems };
}

/** As `readYaml`, one at a time: of a text that is cut, one document only is held as a tree. */
export function* yamlDocuments(text: string, place: string, rules: YamlRules): Generator<YamlDocument | Problem> {
  const unreadable = whyUnreadable(text, rules);
  if (unreadable !== undefined) {
    yield { position: { place, line: 1, column: 1 }, path: '', problem: unreadable };
    return;
  }
  const at = positionsIn(text, place);
  const [budget, reader] = [new LexemeBudget(rules.maxLexemes), new PlainReader(text.length, rules)];
  let reported = 0;
  for (const part of partsOf(text, rules)) {
    for (const { root, data, problems } of readPart(text, part, { budget, reader, rules })) {
      for (const { offset, path, problem } of problems) {
        reported += 1;
        if (reported <= rules.maxProblems) yield { position: at(part.begin + offset), path, problem };
      }
      const counts = data !== null || rules.documents !== 'cut as Kubernetes does';
      if (root !== null && counts) yield documentOf(root, data, (offset) => at(part.begin + offset));
    }
    if (budget.isOver || reader.isOver) return;
  }
}

interface Read {
  /** Absent when there is nothing, or nothing of use beside the problems. */
  readonly root: Node | null;
  readonly data?: unknown;
  readonly problems: readonly NodeProblem[];
}

interface Reading {
  readonly budget: LexemeBudget;
  readonly reader: PlainReader;
  readonly rules: YamlRules;
}

const refused = (problems: readonly NodeProblem[]): Read => ({ root: null, problems });

function* readPart(text: string, { begin, end }: Part, { budget, reader, rules }: Reading): Generator<Read> {
  const part = text.slice(begin, end);
  const parsed = parseYaml(part, budget);
  const surplus = 'problem' in parsed ? undefined : whySurplus(parsed, rules);
  if ('problem' in parsed) yield refused([parsed]);
  else if (surplus !== undefined) yield refused(errorsOf(parsed, part, rules, [surplus]));
  else yield* parsed.map((document) => readOne(document, part, { reader, rules }));
}

function readOne(document: Document, part: string, { reader, rules }: Pick<Reading, 'reader' | 'rules'>): Read {
  const { contents, errors } = document;
  if (errors.length > 0) return refused(errorsOf([document], part, rules));
  return contents === null || isNothing(contents) || reader.isOver ? refused([]) : reader.read(contents);
}

/** @returns errors of the text, or else what is wrong `otherwise`. */
function errorsOf(
  documents: readonly Document[],
  text: string,
  { maxProblems }: YamlRules,
  otherwise: readonly NodeProblem[] = [],
): readonly NodeProblem[] {
  const errors = documents.flatMap((document) => document.errors);
  return errors.length > 0 ? problemsOf(errors, text, maxProblems) : otherwise;
}

function whySurplus(parsed: readonly Document[], { documents, kind }: YamlRules): NodeProblem | undefined {
  if (documents === 'cut as Kubernetes does') {
    const [, second] = parsed.filter(({ contents, errors }) => errors.length > 0 || !isNothing(contents));
    const problem = 'stands behind the end of a document: Kubernetes reads nothing there; begin it with a line ---';
    return second && { offset: startOf(second.contents) ?? 0, path: '', problem };
  }
  const next = parsed[documents];
  const problem =
    documents === 1
      ? `begins another YAML document; ${kind} is one, so take the line --- away`
      : `is one more than ${documents} documents in one file`;
  return next && { offset: next.range?.[0] ?? 0, path: '', problem };
}

function documentOf(root: Node, data: unknown, at: (offset: number) => Position): YamlDocument {
  return {
    data,
    locate: (path) => at(locateField(root, path)),
    valueAt: (path) => {
      const { offset, spelling } = locateValue(root, path);
      return { position: at(offset), spelling };
    },
  };
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
