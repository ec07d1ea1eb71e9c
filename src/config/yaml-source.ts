// The configuration file: YAML 1.2, read with positions so that each complaint names line and column. What YAML 1.1
// reads differently is refused: the same file may be a part of what is applied to a cluster.
import { readFileSync, statSync } from 'node:fs';
import type { FieldPath } from '../domain/text/field-path.ts';
import { formatPosition, type Problem } from '../domain/text/position.ts';
import { fileProblem } from '../domain/text/system-error.ts';
import { readYaml, type YamlDocument } from '../yaml/read-yaml.ts';
import type { YamlRules } from '../yaml/yaml-rules.ts';
import { isKey, type Key, type Section } from './key.ts';
import { schema } from './schema.ts';
import { unknownKey, type ConfigProblem, type Entry, type Source } from './sources.ts';

export const CONFIG_FILE: YamlRules = {
  kind: 'a configuration',
  // A configuration is a few kilobytes; ten thousand sockets are one megabyte.
  maxBytes: 4 * 1024 * 1024,
  // A comment may be in whatever encoding.
  notText: /\0/,
  maxLexemes: 1_000_000,
  maxValues: 200_000,
  maxProblems: 1_000,
  documents: 1,
  anchors: 'unused',
  scalars: 'unambiguous',
  keepAmbiguous: true,
};

/** @returns what the file says; a file that cannot be read is one problem. */
export function fileSource(file: string): Source {
  try {
    if (statSync(file).size > CONFIG_FILE.maxBytes) {
      return unreadable(file, `is larger than ${CONFIG_FILE.maxBytes} bytes`);
    }
    return yamlSource(readFileSync(file, 'utf8'), file);
  } catch (cause) {
    return unreadable(file, fileProblem(cause));
  }
}

/** @param name what complaints call the file. */
export function yamlSource(text: string, name: string): Source {
  const read = readYaml(text, name, CONFIG_FILE);
  const problems = configProblems(read.problems);
  const [document] = read.documents;
  if (document === undefined) return { entries: new Map(), problems, unreadable: problems.length > 0 };
  const reading: Reading = { entries: new Map(), problems, document };
  readSection(reading, schema, document.data, []);
  return reading;
}

export function configProblems(problems: readonly Problem[]): ConfigProblem[] {
  return problems.map(({ position, path, problem }) => ({ where: formatPosition(position), path, message: problem }));
}

interface Reading {
  readonly entries: Map<string, Entry>;
  readonly problems: ConfigProblem[];
  readonly document: YamlDocument;
}

/** @param data of the section, whose path is `above`. */
function readSection(reading: Reading, section: Section, data: unknown, above: FieldPath): void {
  const { document, problems, entries } = reading;
  if (data === null) return;
  if (typeof data !== 'object' || Array.isArray(data)) {
    const where = formatPosition(document.valueAt(above).position);
    problems.push({ where, path: above.join('.'), message: 'must be a mapping of keys' });
    return;
  }
  for (const [name, value] of Object.entries(data)) {
    const steps = [...above, name];
    const path = steps.join('.');
    const child = Object.hasOwn(section, name) ? section[name] : undefined;
    if (child === undefined) problems.push(unknownKey(formatPosition(document.locate(steps)), path));
    else if (isKey(child)) entries.set(path, entryOf(document, child, value, steps));
    else readSection(reading, child, value, steps);
  }
}

/** A file mode keeps its leading zero, a number where text is due its spelling: `1.10` is not `1.1`. */
function entryOf(document: YamlDocument, { shape }: Key<unknown>, value: unknown, steps: FieldPath): Entry {
  const spelled = shape.form === 'text' && typeof value === 'number';
  return {
    value: spelled ? document.valueAt(steps).spelling : value,
    where: (within) => formatPosition(document.valueAt([...steps, ...within.map(stepOf)]).position),
  };
}

function stepOf(step: PropertyKey): string | number {
  return typeof step === 'symbol' ? String(step) : step;
}

function unreadable(file: string, message: string): Source {
  return { entries: new Map(), problems: [{ where: file, path: '', message }], unreadable: true };
}
