// YAML nodes as the plain data that JSON could say, and nothing that JSON could not: a policy means what its
// text shows where it stands, without anchors, merge keys, tags and keys written twice, and the same in YAML 1.1,
// which Kubernetes reads when the file is applied to a cluster.
import { isAlias, isMap, isScalar, isSeq, type Pair, type Scalar, type YAMLMap } from 'yaml';
import { ambiguityOfName, ambiguityOfValue } from '../../domain/cluster/kubernetes-scalar.ts';
import { pathUnder } from '../../domain/text/field-path.ts';
import { MAX_DEPTH, type TextProblem } from './yaml-syntax.ts';

/** Mappings, lists and values of one file. A thousand rules that say everything stay below. */
export const MAX_NODES = 100_000;

/** Names that plain objects of JavaScript give a meaning of their own. */
const RESERVED: ReadonlySet<string> = new Set(['__proto__']);

export class PlainYaml {
  readonly problems: TextProblem[] = [];
  #nodes = 0;

  /** Whether the file has more nodes than it may; what follows was not read. */
  get tooLarge(): boolean {
    return this.#nodes > MAX_NODES;
  }

  /** @returns data that is of use only when no problem was added. */
  read(node: unknown, path = '', depth = 1): unknown {
    this.#nodes += 1;
    if (this.tooLarge) return this.#outgrown(node);
    if (isAlias(node)) return this.#complain(node, path, 'uses a YAML alias, which a policy must not');
    if (depth > MAX_DEPTH) return this.#complain(node, path, `is nested deeper than ${MAX_DEPTH} levels`);
    this.#checkProperties(node, path);
    if (isMap(node)) return this.#mapping(node, path, depth);
    if (isSeq(node)) return node.items.map((item, index) => this.read(item, pathUnder(path, index), depth + 1));
    return isScalar(node) ? this.#scalar(node, path) : null;
  }

  #mapping(map: YAMLMap, path: string, depth: number): Record<string, unknown> {
    const data = new Map<string, unknown>();
    for (const { key, value } of map.items) {
      const name = nameOf(key);
      const place = pathUnder(path, name);
      this.#checkProperties(key, place);
      const ambiguity = isPlain(key) && name !== '<<' ? ambiguityOfName(name) : undefined;
      if (ambiguity !== undefined) this.#complain(key, place, ambiguity);
      if (name === '<<') this.#complain(key, path, 'uses a YAML merge key, which a policy must not');
      else if (data.has(name)) this.#complain(key, place, 'is written twice');
      else if (!name.isWellFormed() || RESERVED.has(name)) this.#complain(key, place, 'is no name for a field');
      data.set(name, this.read(value, place, depth + 1));
      if (this.tooLarge) break;
    }
    return Object.fromEntries(data);
  }

  #scalar(node: Scalar, path: string): unknown {
    const { value } = node;
    if (!isJson(value)) return this.#complain(node, path, 'is no value that JSON has');
    const ambiguity = isPlain(node) ? ambiguityOfValue(node.source ?? '') : undefined;
    return ambiguity === undefined ? value : this.#complain(node, path, ambiguity);
  }

  #checkProperties(node: unknown, path: string): void {
    if (typeof node !== 'object' || node === null) return;
    if ('anchor' in node && node.anchor !== undefined) {
      this.#complain(node, path, 'has a YAML anchor, which a policy must not');
    }
    if ('tag' in node && node.tag !== undefined) this.#complain(node, path, 'has a YAML tag, which a policy must not');
  }

  #outgrown(node: unknown): null {
    if (this.#nodes > MAX_NODES + 1) return null;
    return this.#complain(node, '', `is one more than ${MAX_NODES} values in one file`);
  }

  #complain(node: unknown, path: string, problem: string): null {
    this.problems.push({ offset: startOf(node) ?? 0, path, problem });
    return null;
  }
}

/** Where a node begins in its text; nothing for what is no node of a text. */
export function startOf(node: unknown): number | undefined {
  const range: unknown = typeof node === 'object' && node !== null && 'range' in node ? node.range : undefined;
  return Array.isArray(range) && typeof range[0] === 'number' ? range[0] : undefined;
}

/** Without quotes and tag: what a word is, is for the reader to say. */
function isPlain(node: unknown): node is Scalar {
  return isScalar(node) && node.type === 'PLAIN' && node.tag === undefined;
}

function nameOf(key: Pair['key']): string {
  return isScalar(key) && typeof key.value === 'string' ? key.value : '';
}

function isJson(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed();
  return value === null || typeof value === 'boolean' || (typeof value === 'number' && Number.isFinite(value));
}
