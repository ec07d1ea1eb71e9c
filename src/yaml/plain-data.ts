// A YAML node as the plain data that Kubernetes reads it as. Manifests in Git share parts through anchors and
// merge keys; each use is written out, within bounds that no bomb passes. What Kubernetes reads as no JSON, or
// differently from one reading to the next, is refused by name.
import { isAlias, isMap, isScalar, isSeq, type Alias, type Node, type Pair, type Scalar, type YAMLMap } from 'yaml';
import { ambiguityOfName, ambiguityOfValue, kubernetesScalar } from '../domain/cluster/kubernetes-scalar.ts';

export const MAX_DEPTH = 64;
/** Uses of anchors in one document. */
export const MAX_ALIASES = 100;
/** Nodes and characters of one file with its aliases written out: so many times what its text holds without. */
const MAX_GROWTH = 4;
/** A small file may grow to what a larger one may be. */
const MIN_SIZE = 1024 * 1024;

/** What is wrong with a node; `path` as in Problem. */
export interface NodeProblem {
  readonly offset: number;
  readonly path: string;
  readonly problem: string;
}

/** A bound that was passed: what follows is not read. */
class BoundPassed extends Error {
  readonly found: NodeProblem;

  constructor(found: NodeProblem) {
    super(found.problem);
    this.found = found;
  }
}

/** Reads all documents of one file: the bounds count for the file as a whole. */
export class PlainReader {
  readonly #maxSize: number;
  readonly #plain: boolean;
  #aliases = 0;
  #size = 0;
  /** While aliases are written out, what they repeat defines nothing anew. */
  #repeating = 0;
  #anchors = new Map<string, Node>();
  #problems: NodeProblem[] = [];
  readonly #targets = new Map<Alias, Node>();

  /** @param length of the file's text. @param plain refuses what YAML 1.2 would read differently. */
  constructor(length: number, { plain }: { readonly plain: boolean }) {
    this.#plain = plain;
    this.#maxSize = MAX_GROWTH * Math.max(length, MIN_SIZE);
  }

  /** @returns the data only when there is no problem. */
  read(root: Node): { readonly data: unknown; readonly problems: readonly NodeProblem[] } {
    this.#anchors = new Map();
    this.#problems = [];
    this.#repeating = 0;
    this.#aliases = 0;
    try {
      return { data: this.#value(root, '', 1), problems: this.#problems };
    } catch (error) {
      if (!(error instanceof BoundPassed)) throw error;
      return { data: undefined, problems: [...this.#problems, error.found] };
    }
  }

  #value(node: unknown, path: string, depth: number): unknown {
    this.#grow(1, node, path);
    if (depth > MAX_DEPTH) throw passed(node, path, `is nested deeper than ${MAX_DEPTH} levels`);
    if (isAlias(node)) return this.#repeat(node, path, depth);
    const value = this.#contents(node, path, depth);
    if (this.#repeating === 0 && isAnchored(node)) this.#anchors.set(node.anchor, node);
    return value;
  }

  #contents(node: unknown, path: string, depth: number): unknown {
    this.#checkTag(node, path);
    if (isMap(node)) return this.#mapping(node, path, depth);
    if (isSeq(node)) return node.items.map((item, index) => this.#value(item, under(path, index), depth + 1));
    return isScalar(node) ? this.#scalar(node, path) : null;
  }

  /** In the order of the text: a merge key takes the place of what stands before it (go-yaml v2). */
  #mapping(map: YAMLMap, path: string, depth: number): unknown {
    const data = new Map<string, unknown>();
    const own = new Set<string>();
    for (const pair of map.items) {
      const name = this.#nameOf(pair.key, path);
      const place = under(path, name);
      this.#grow(name.length, pair.key, path);
      if (isMergeKey(pair.key)) {
        for (const [key, value] of this.#merged(pair, place, depth)) data.set(key, value);
        continue;
      }
      // Kubernetes would take the last of them, and other tools refuse them.
      if (own.has(name)) this.#complain(pair.key, place, 'is written twice');
      own.add(name);
      data.set(name, this.#value(pair.value, place, depth + 1));
    }
    return Object.fromEntries(data);
  }

  /** In the order in which later entries win: of several mappings the first does. */
  #merged({ key, value: node }: Pair, path: string, depth: number): readonly [string, unknown][] {
    const value = this.#value(node, path, depth + 1);
    const mappings = isSeq(node) && Array.isArray(value) ? value.toReversed() : [value];
    if (mappings.every(isMapping)) return mappings.flatMap((mapping) => Object.entries(mapping));
    this.#complain(key, path, 'must merge a mapping, or a list of them');
    return [];
  }

  #scalar(node: Scalar, path: string): unknown {
    const value = valueOf(node);
    this.#checkPlain(node, path, ambiguityOfValue);
    if (typeof value === 'string') this.#grow(value.length, node, path);
    if (isJson(value)) return value;
    this.#complain(node, path, 'is no value that JSON has');
    return null;
  }

  /** What Kubernetes calls the field: `yes` is "true", `0400` is "256". */
  #nameOf(key: unknown, path: string): string {
    const name = isScalar(key) ? valueOf(key) : this.#aliasedName(key, path);
    if (this.#repeating === 0 && isAnchored(key)) this.#anchors.set(key.anchor, key);
    this.#checkTag(key, path);
    if (!isMergeKey(key)) this.#checkPlain(key, path, ambiguityOfName);
    if (typeof name === 'string') return name;
    // Kubernetes spells a number with a fraction or an exponent anew, as single precision.
    const isInteger = Number.isSafeInteger(name) && !/\.|^[-+]?[\d_]+e/i.test(isScalar(key) ? String(key.value) : '');
    if (typeof name === 'boolean' || isInteger) return String(name);
    this.#complain(key, path, 'has a key that is no text: put it in quotes');
    return '';
  }

  #aliasedName(key: unknown, path: string): unknown {
    const name = isAlias(key) ? this.#repeat(key, path, MAX_DEPTH) : undefined;
    return typeof name === 'object' ? undefined : name;
  }

  #checkPlain(node: unknown, path: string, ambiguity: (text: string) => string | undefined): void {
    const problem = this.#plain && isPlain(node) ? ambiguity(String(node.value)) : undefined;
    if (problem !== undefined) this.#complain(node, path, problem);
  }

  #checkTag(node: unknown, path: string): void {
    const tag = tagOf(node);
    if (tag === undefined || tag === ownTag(node)) return;
    this.#complain(node, path, 'has a tag that cannot be used');
  }

  #repeat(node: Alias, path: string, depth: number): unknown {
    this.#aliases += 1;
    if (this.#aliases > MAX_ALIASES) throw passed(node, path, `is one more than ${MAX_ALIASES} uses of YAML anchors`);
    const target = this.#targets.get(node) ?? this.#anchors.get(node.source);
    if (target === undefined) {
      this.#complain(node, path, `uses the anchor ${node.source.slice(0, 60)}, which is not written before it`);
      return null;
    }
    this.#targets.set(node, target);
    this.#repeating += 1;
    const value = this.#value(target, path, depth);
    this.#repeating -= 1;
    return value;
  }

  #grow(by: number, node: unknown, path: string): void {
    this.#size += by;
    if (this.#size > this.#maxSize) throw passed(node, path, 'becomes too large with its YAML anchors written out');
  }

  #complain(node: unknown, path: string, problem: string): void {
    if (this.#repeating === 0) this.#problems.push({ offset: startOf(node), path, problem });
  }
}

/** Where a node begins in its text. */
export function startOf(node: unknown): number {
  const range: unknown = typeof node === 'object' && node !== null && 'range' in node ? node.range : undefined;
  return Array.isArray(range) && typeof range[0] === 'number' ? range[0] : 0;
}

function passed(node: unknown, path: string, problem: string): BoundPassed {
  return new BoundPassed({ offset: startOf(node), path, problem });
}

/** As Kubernetes reads it: only what is neither in quotes nor tagged can be anything but text. */
function valueOf(node: Scalar): unknown {
  const text = typeof node.value === 'string' ? node.value : '';
  return isPlain(node) ? kubernetesScalar(text) : text;
}

function isPlain(node: unknown): node is Scalar {
  return isScalar(node) && node.type === 'PLAIN' && node.tag === undefined;
}

function tagOf(node: unknown): unknown {
  return typeof node === 'object' && node !== null && 'tag' in node ? node.tag : undefined;
}

/** The tag that says what is known already. */
function ownTag(node: unknown): string {
  return `tag:yaml.org,2002:${isMap(node) ? 'map' : isSeq(node) ? 'seq' : 'str'}`;
}

/** `<<` in quotes is a name like any other. */
function isMergeKey(key: unknown): boolean {
  return isScalar(key) && key.value === '<<' && key.type === 'PLAIN' && key.tag === undefined;
}

function isAnchored(node: unknown): node is Node & { readonly anchor: string } {
  return typeof node === 'object' && node !== null && 'anchor' in node && typeof node.anchor === 'string';
}

function isMapping(value: unknown): value is object {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isJson(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed();
  return value === null || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value));
}

function under(path: string, step: string | number): string {
  return path === '' ? String(step) : `${path}.${step}`;
}
