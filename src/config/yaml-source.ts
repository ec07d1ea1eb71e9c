// The configuration file: YAML 1.2, read with positions so that each complaint names line and column. What YAML 1.1
// reads differently is refused: the same file may be a part of what is applied to a cluster.
import { readFileSync, statSync } from 'node:fs';
import {
  isAlias,
  isMap,
  isNode,
  isPair,
  isScalar,
  LineCounter,
  parseDocument,
  visit,
  type Document,
  type Node,
} from 'yaml';
import { ambiguityOfName, ambiguityOfValue } from '../domain/cluster/kubernetes-scalar.ts';
import { fileProblem } from '../domain/text/system-error.ts';
import { isKey, type Key, type Section } from './key.ts';
import { schema } from './schema.ts';
import { unknownKey, type ConfigProblem, type Entry, type Source } from './sources.ts';

/** A configuration is a few kilobytes; ten thousand sockets are one megabyte. */
const MAX_FILE_BYTES = 4 * 1024 * 1024;

/** @returns what the file says; a file that cannot be read is one problem. */
export function fileSource(file: string): Source {
  try {
    if (statSync(file).size > MAX_FILE_BYTES) return unreadable(file, `is larger than ${MAX_FILE_BYTES} bytes`);
    return yamlSource(readFileSync(file, 'utf8'), file);
  } catch (cause) {
    return unreadable(file, fileProblem(cause));
  }
}

/** @param name what complaints call the file. */
export function yamlSource(text: string, name: string): Source {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, version: '1.2', prettyErrors: false });
  const at = (offset: number | undefined): string => {
    const { line, col } = lines.linePos(offset ?? 0);
    return `${name}:${line}:${col}`;
  };
  const broken = brokenParts(document, at);
  if (broken.length > 0) return { entries: new Map(), problems: broken, unreadable: true };
  const reading: Reading = { entries: new Map(), problems: ambiguities(document, at), document, at };
  if (document.contents !== null) readSection(reading, schema, document.contents, '');
  return reading;
}

/** Not the library's words, which name a function of it. */
const SEVERAL_DOCUMENTS = 'begins another YAML document; a configuration is one, so take the line --- away';

interface Reading {
  readonly entries: Map<string, Entry>;
  readonly problems: ConfigProblem[];
  readonly document: Document.Parsed;
  readonly at: (offset: number | undefined) => string;
}

/** Syntax errors, and aliases: they have no use here, and they are how small files become huge. */
function brokenParts(document: Document.Parsed, at: Reading['at']): readonly ConfigProblem[] {
  const problems = document.errors.map(({ pos: [offset], code, message }) => {
    const several = code === 'MULTIPLE_DOCS';
    return { where: at(offset), path: '', message: several ? SEVERAL_DOCUMENTS : message };
  });
  visit(document, {
    Alias: (_, alias) => void problems.push({ where: at(alias.range?.[0]), path: '', message: 'uses a YAML alias' }),
  });
  return problems;
}

/** Plain words and numbers that two versions of YAML read differently. */
function ambiguities(document: Document.Parsed, at: Reading['at']): ConfigProblem[] {
  const problems: ConfigProblem[] = [];
  visit(document, {
    Scalar: (role, { type, tag, source = '', range }, ancestors) => {
      if (type !== 'PLAIN' || tag !== undefined) return;
      const message = role === 'key' ? ambiguityOfName(source) : ambiguityOfValue(source);
      const names = ancestors.flatMap((one) => (isPair(one) && isScalar(one.key) ? [String(one.key.value)] : []));
      if (message !== undefined) problems.push({ where: at(range?.[0]), path: names.join('.'), message });
    },
  });
  return problems;
}

function readSection(reading: Reading, section: Section, node: Node, prefix: string): void {
  const { at, problems } = reading;
  if (!isMap(node)) {
    const path = prefix.slice(0, -1);
    if (isScalar(node) && node.value === null) return;
    problems.push({ where: at(node.range?.[0]), path, message: 'must be a mapping of keys' });
    return;
  }
  for (const { key, value } of node.items) {
    const name = isScalar(key) ? String(key.value) : '?';
    const path = prefix + name;
    const child = Object.hasOwn(section, name) ? section[name] : undefined;
    if (child === undefined) {
      const offset = isNode(key) ? key.range?.[0] : undefined;
      problems.push(unknownKey(at(offset), path));
    } else if (isKey(child)) reading.entries.set(path, entryOf(reading, child, value as Node | null));
    else if (isNode(value)) readSection(reading, child, value, `${path}.`);
  }
}

function entryOf({ document, at }: Reading, key: Key<unknown>, node: Node | null): Entry {
  return { value: plain(key, node, document), where: (within) => at(nodeWithin(node, within)?.range?.[0]) };
}

/** A file mode keeps its leading zero, a number where text is due its spelling: `1.10` is not `1.1`. */
function plain(key: Key<unknown>, node: Node | null, document: Document): unknown {
  if (key.shape.form === 'text' && isScalar(node) && typeof node.value === 'number') return node.source;
  return node?.toJS(document) ?? null;
}

/** @returns the innermost node on the way that exists: what is missing is missing from it. */
function nodeWithin(node: Node | null, within: readonly PropertyKey[]): Node | null {
  const [step, ...rest] = within;
  if (step === undefined || node === null || isAlias(node) || !('get' in node)) return node;
  const inner = (node as unknown as { get: (key: unknown, keepScalar: true) => unknown }).get(step, true);
  return isNode(inner) ? nodeWithin(inner, rest) : node;
}

function unreadable(file: string, message: string): Source {
  return { entries: new Map(), problems: [{ where: file, path: '', message }], unreadable: true };
}
