// A YAML node as the plain data that JSON could say. Manifests in Git share parts through anchors and merge
// keys; each use is written out, within bounds that no bomb passes.
import { isAlias, isMap, isScalar, isSeq, type Alias, type Node, type Pair, type Scalar, type YAMLMap } from 'yaml';

export const MAX_DEPTH = 64;
/** Uses of anchors in one file. */
export const MAX_ALIASES = 100;
/** Nodes and characters of one file with its aliases written out: four times what its text can hold without. */
const MAX_SIZE = 4 * 1024 * 1024;

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
  #aliases = 0;
  #size = 0;
  /** While aliases are written out, what they repeat defines nothing anew. */
  #repeating = 0;
  #anchors = new Map<string, Node>();
  #problems: NodeProblem[] = [];
  readonly #targets = new Map<Alias, Node>();

  /** @returns the data only when there is no problem. */
  read(root: Node): { readonly data: unknown; readonly problems: readonly NodeProblem[] } {
    this.#anchors = new Map();
    this.#problems = [];
    this.#repeating = 0;
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
    if (isMap(node)) return this.#mapping(node, path, depth);
    if (isSeq(node)) return node.items.map((item, index) => this.#value(item, under(path, index), depth + 1));
    return isScalar(node) ? this.#scalar(node, path) : null;
  }

  #mapping(map: YAMLMap, path: string, depth: number): unknown {
    const shared: [string, unknown][] = [];
    const own = new Map<string, unknown>();
    for (const pair of map.items) {
      const name = nameOf(pair);
      const value = this.#value(pair.value, under(path, name), depth + 1);
      if (isMergeKey(pair)) shared.unshift(...this.#merged(value, pair, path));
      else if (own.has(name)) this.#complain(pair.key, under(path, name), 'is written twice');
      else own.set(name, value);
      this.#grow(name.length, pair.key, path);
    }
    return Object.fromEntries([...shared, ...own]);
  }

  /** In the order in which later entries win: of several mappings the first does. */
  #merged(value: unknown, { key }: Pair, path: string): readonly [string, unknown][] {
    const mappings = Array.isArray(value) ? value.toReversed() : [value];
    if (mappings.every(isMapping)) return mappings.flatMap((mapping) => Object.entries(mapping));
    this.#complain(key, under(path, '<<'), 'must merge a mapping, or a list of them');
    return [];
  }

  #scalar(node: Scalar, path: string): unknown {
    const { value } = node;
    if (typeof value === 'string') this.#grow(value.length, node, path);
    if (isJson(value)) return value;
    this.#complain(node, path, 'is no value that JSON has');
    return null;
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
    if (this.#size > MAX_SIZE) throw passed(node, path, 'becomes too large with its YAML anchors written out');
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

function nameOf({ key }: Pair): string {
  return isScalar(key) && typeof key.value === 'string' ? key.value : '';
}

/** `<<` in quotes is a name like any other. */
function isMergeKey({ key }: Pair): boolean {
  return isScalar(key) && key.value === '<<' && key.type === 'PLAIN';
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
