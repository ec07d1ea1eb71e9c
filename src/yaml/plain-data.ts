// A YAML node as the plain data that JSON could say. Manifests in Git share parts through anchors and merge keys; each
// use is written out, within bounds that no bomb passes, or refused where a text must show what it means. What
// Kubernetes reads as no JSON, or differently from one reading to the next, is refused by name.
import { isAlias, isMap, isScalar, isSeq, type Alias, type Node, type Pair, type Scalar, type YAMLMap } from 'yaml';
import { ambiguityOfName, ambiguityOfValue } from '../domain/cluster/kubernetes-scalar.ts';
import { formatStep } from '../domain/text/field-path.ts';
import { Anchors, MAX_ALIASES } from './anchors.ts';
import { isAnchored, isJson, isMapping, isMergeKey, isPlain, ownTag, startOf, tagOf, valueOf } from './nodes.ts';
import type { YamlRules } from './yaml-rules.ts';

export const MAX_DEPTH = 64;
/** Nodes and characters of one file with its aliases written out: so many times what its text holds without. */
const MAX_GROWTH = 4;
/** A small file may grow to what a larger one may be. */
const MIN_SIZE = 1024 * 1024;

/** Names that plain objects of JavaScript give a meaning of their own. */
const RESERVED: ReadonlySet<string> = new Set(['__proto__']);

/** What is wrong with a node; `path` as in Problem. */
export interface NodeProblem {
  readonly offset: number;
  readonly path: string;
  readonly problem: string;
}

/** A step on the way to a node; it is spelled only when something is wrong there. Absent, the document itself. */
interface Place {
  readonly above: Place | undefined;
  readonly step: string | number;
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
  readonly #rules: YamlRules;
  #size = 0;
  #values = 0;
  #anchors = new Anchors();
  #problems: NodeProblem[] = [];
  #ambiguous = 0;

  /** @param length of the file's text. */
  constructor(length: number, rules: YamlRules) {
    this.#rules = rules;
    this.#maxSize = MAX_GROWTH * Math.max(length, MIN_SIZE);
  }

  /** Whether a bound of the file was passed: what follows is not read. */
  get isOver(): boolean {
    return this.#size > this.#maxSize || this.#values > (this.#rules.maxValues ?? Infinity);
  }

  /** @returns `root` only when its data is of use. */
  read(root: Node): { readonly root: Node | null; readonly data: unknown; readonly problems: readonly NodeProblem[] } {
    this.#anchors = new Anchors();
    this.#problems = [];
    this.#ambiguous = 0;
    try {
      const data = this.#value(root, undefined, 1);
      const problems = this.#problems;
      const isUseful = problems.length === (this.#rules.keepAmbiguous === true ? this.#ambiguous : 0);
      return { root: isUseful ? root : null, data, problems };
    } catch (error) {
      if (!(error instanceof BoundPassed)) throw error;
      return { root: null, data: undefined, problems: [...this.#problems, error.found] };
    }
  }

  #value(node: unknown, path: Place | undefined, depth: number): unknown {
    this.#grow(1, node, path);
    this.#count(node, path);
    if (depth > MAX_DEPTH) throw passed(node, path, `is nested deeper than ${MAX_DEPTH} levels`);
    if (isAlias(node)) return this.#alias(node, path, depth);
    this.#checkAnchor(node, path);
    const value = this.#contents(node, path, depth);
    this.#anchors.define(node);
    return value;
  }

  #contents(node: unknown, path: Place | undefined, depth: number): unknown {
    this.#checkTag(node, path);
    if (isMap(node)) return this.#mapping(node, path, depth);
    if (isSeq(node)) return node.items.map((item, index) => this.#value(item, { above: path, step: index }, depth + 1));
    return isScalar(node) ? this.#scalar(node, path) : null;
  }

  /** In the order of the text: a merge key takes the place of what stands before it (go-yaml v2). */
  #mapping(map: YAMLMap, path: Place | undefined, depth: number): unknown {
    const data = new Map<string, unknown>();
    const own = new Set<string>();
    for (const pair of map.items) {
      const name = this.#nameOf(pair.key, path);
      const place = { above: path, step: name };
      this.#grow(name.length, pair.key, path);
      if (isMergeKey(pair.key)) {
        for (const [key, value] of this.#merged(pair, path, depth)) data.set(key, value);
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
  #merged({ key, value: node }: Pair, path: Place | undefined, depth: number): readonly [string, unknown][] {
    const value = this.#value(node, { above: path, step: '<<' }, depth + 1);
    if (this.#rules.anchors !== 'written out') {
      this.#complain(key, path, `uses a YAML merge key, ${this.#mustNot}`);
      return [];
    }
    const mappings = isSeq(node) && Array.isArray(value) ? value.toReversed() : [value];
    if (mappings.every(isMapping)) return mappings.flatMap((mapping) => Object.entries(mapping));
    this.#complain(key, { above: path, step: '<<' }, 'must merge a mapping, or a list of them');
    return [];
  }

  #scalar(node: Scalar, path: Place | undefined): unknown {
    const value = valueOf(node);
    if (this.#isAmbiguous(node, path, ambiguityOfValue)) return value;
    if (typeof value === 'string') this.#grow(value.length, node, path);
    if (isJson(value)) return value;
    this.#complain(node, path, 'is no value that JSON has');
    return null;
  }

  /** What Kubernetes calls the field: `yes` is "true", `0400` is "256". */
  #nameOf(key: unknown, path: Place | undefined): string {
    const name = isScalar(key) ? valueOf(key) : this.#aliasedName(key, path);
    const written = isScalar(key) ? String(key.value) : '';
    const place = written === '' ? path : { above: path, step: written };
    this.#anchors.define(key);
    this.#checkAnchor(key, place);
    this.#checkTag(key, place);
    if (!isMergeKey(key) && this.#isAmbiguous(key, place, ambiguityOfName)) return written;
    if (typeof name === 'string') return this.#soundName(name, key, place);
    // Kubernetes spells a number with a fraction or an exponent anew, as single precision.
    const isInteger = Number.isSafeInteger(name) && !/\.|^[-+]?[\d_]+e/i.test(written);
    if (typeof name === 'boolean' || isInteger) return String(name);
    this.#complain(key, path, 'has a key that is no text: put it in quotes');
    return '';
  }

  /** A manifest may call its fields whatever Kubernetes lets it. */
  #soundName(name: string, key: unknown, place: Place | undefined): string {
    const isSound = name.isWellFormed() && !RESERVED.has(name);
    if (this.#isStrict && !isSound) this.#complain(key, place, 'is no name for a field');
    return name;
  }

  #aliasedName(key: unknown, path: Place | undefined): unknown {
    const name = isAlias(key) ? this.#alias(key, path, MAX_DEPTH) : undefined;
    return typeof name === 'object' ? undefined : name;
  }

  #isAmbiguous(node: unknown, path: Place | undefined, ambiguity: (text: string) => string | undefined): boolean {
    const problem = this.#isStrict && isPlain(node) ? ambiguity(String(node.value)) : undefined;
    if (problem === undefined) return false;
    if (this.#complain(node, path, problem)) this.#ambiguous += 1;
    return true;
  }

  #checkAnchor(node: unknown, path: Place | undefined): void {
    if (this.#rules.anchors === 'none' && isAnchored(node)) {
      this.#complain(node, path, `has a YAML anchor, ${this.#mustNot}`);
    }
  }

  #checkTag(node: unknown, path: Place | undefined): void {
    const tag = tagOf(node);
    if (tag === undefined) return;
    if (this.#rules.anchors === 'none') this.#complain(node, path, `has a YAML tag, ${this.#mustNot}`);
    else if (tag !== ownTag(node)) this.#complain(node, path, 'has a tag that cannot be used');
  }

  #alias(node: Alias, path: Place | undefined, depth: number): unknown {
    if (this.#rules.anchors === 'written out') return this.#repeat(node, path, depth);
    this.#complain(node, path, `uses a YAML alias, ${this.#mustNot}`);
    return null;
  }

  #repeat(node: Alias, path: Place | undefined, depth: number): unknown {
    const target = this.#anchors.use(node);
    if (this.#anchors.isOver) throw passed(node, path, `is one more than ${MAX_ALIASES} uses of YAML anchors`);
    if (target !== undefined) return this.#anchors.repeat(() => this.#value(target, path, depth));
    this.#complain(node, path, `uses the anchor ${node.source.slice(0, 60)}, which is not written before it`);
    return null;
  }

  #grow(by: number, node: unknown, path: Place | undefined): void {
    this.#size += by;
    if (this.#size > this.#maxSize) throw passed(node, path, 'becomes too large with its YAML anchors written out');
  }

  #count(node: unknown, path: Place | undefined): void {
    const { maxValues = Infinity } = this.#rules;
    this.#values += 1;
    if (this.#values > maxValues) throw passed(node, path, `is one more than ${maxValues} values in one file`);
  }

  get #isStrict(): boolean {
    return this.#rules.scalars === 'unambiguous';
  }

  get #mustNot(): string {
    return `which ${this.#rules.kind} must not`;
  }

  /** @returns whether it is reported: what is repeated was, where it stands. */
  #complain(node: unknown, path: Place | undefined, problem: string): boolean {
    if (this.#anchors.isRepeating) return false;
    this.#problems.push({ offset: startOf(node) ?? 0, path: formatPlace(path), problem });
    return true;
  }
}

function passed(node: unknown, path: Place | undefined, problem: string): BoundPassed {
  return new BoundPassed({ offset: startOf(node) ?? 0, path: formatPlace(path), problem });
}

/** Dotted, from the top of the document. */
function formatPlace(place: Place | undefined): string {
  const steps: string[] = [];
  for (let at = place; at !== undefined; at = at.above) steps.unshift(formatStep(at.step));
  return steps.join('.');
}
