// A file of policy documents: YAML that means what its text shows where it stands, without anchors, merge keys, tags and
// keys written twice, and the same in YAML 1.1, which Kubernetes reads when the file is applied to a cluster.
import type { Problem } from '../../domain/text/position.ts';
import { readYaml, type LocatedData, type YamlDocuments } from '../../yaml/read-yaml.ts';
import type { YamlRules } from '../../yaml/yaml-rules.ts';
import { spelledPath, type FieldProblem } from './schema/problems.ts';

/** Of one file: who has more mends these first. */
const MAX_PROBLEMS = 1_000;

const POLICY_FILE: YamlRules = {
  kind: 'a policy',
  maxBytes: 1024 * 1024,
  notText: /[\0\uFFFD]/,
  // About a second.
  maxLexemes: 400_000,
  // A thousand rules that say everything stay below.
  maxValues: 100_000,
  maxProblems: MAX_PROBLEMS,
  documents: 1_000,
  anchors: 'none',
  scalars: 'unambiguous',
};

/** @param place what an operator calls the text. @returns the documents without problems, and all problems. Never throws. */
export function readPolicyFile(text: string, place: string): YamlDocuments {
  const read = readYaml(text, place, POLICY_FILE);
  if (read.documents.length + read.problems.length > 0) return read;
  const position = { place, line: 1, column: 1 };
  return { documents: [], problems: [{ position, path: '', problem: 'holds no policy document' }] };
}

/** What a schema found in a document, each at its place and in the order of the file. */
export function placedProblems({ data, locate }: LocatedData, problems: readonly FieldProblem[]): readonly Problem[] {
  return problems
    .slice(0, MAX_PROBLEMS)
    .map(({ path, problem }) => ({ position: locate(path), path: spelledPath(data, path), problem }))
    .sort(({ position: a }, { position: b }) => a.line - b.line || a.column - b.column);
}
