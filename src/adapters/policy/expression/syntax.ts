// Whether an expression stays within the subset, told from its syntax alone: names, functions, and walks over
// lists that neither nest nor feed one another, so that its cost is linear in the data.
import type { ASTNode } from '@marcbachmann/cel-js';
import { formerClaimProblem } from '../former-names.ts';
import { FUNCTIONS, MACROS, MAX_MACROS, MAX_WRITTEN_TEXT, METHODS } from './language.ts';
import type { Walks } from './meter.ts';

export interface SyntaxProblem {
  readonly problem: string;
  /** Characters before it in the expression. */
  readonly offset?: number;
}

/** Stops the walk at what is found first. */
class Refused extends Error {
  readonly offset: number;

  constructor({ pos }: ASTNode, problem: string) {
    super(problem);
    this.offset = pos;
  }
}

type Call = Extract<ASTNode, { op: 'call' }>;
type MethodCall = Extract<ASTNode, { op: 'rcall' }>;

/** CEL's int. */
const MAX_INT = 2n ** 63n - 1n;

export interface Syntax {
  readonly walks: Walks;
  /** Fields that `has()` asks for; CEL does not type-check them. */
  readonly asked: readonly ASTNode[];
  /** Fields of `request` that it reads. */
  readonly requestFields: ReadonlySet<string>;
}

/** @returns what there is to know of an expression in the subset, or the first thing that is not in it. */
export function readSyntax(ast: ASTNode, variables: readonly string[]): Syntax | SyntaxProblem {
  const walk = new SyntaxWalk();
  try {
    walk.read(ast, variables);
    return walk;
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
    return { problem: error.message, offset: error.offset };
  }
}

class SyntaxWalk implements Syntax {
  readonly walks = new Map<string, number>();
  readonly asked: ASTNode[] = [];
  readonly requestFields = new Set<string>();
  #macros = 0;
  #inMacro = false;

  read(node: ASTNode, names: readonly string[]): void {
    checkClaim(node);
    if (node.op === '.' && node.args[0].op === 'id' && node.args[0].args === 'request') {
      this.requestFields.add(node.args[1]);
    }
    if (node.op === 'value') checkLiteral(node);
    else if (node.op === 'id') checkName(node, node.args, names);
    else if (node.op === 'call') this.#call(node, names);
    else if (node.op === 'rcall') this.#methodOrMacro(node, names);
    else if (node.op === 'map') throw new Refused(node, 'maps cannot be written here');
    else for (const child of childrenOf(node)) this.read(child, names);
  }

  #call(node: Call, names: readonly string[]): void {
    const [name, [field]] = node.args;
    if (!FUNCTIONS.includes(name)) throw new Refused(node, unknownFunction(name));
    if (name === 'has') {
      if (field === undefined || !isField(field))
        throw new Refused(node, 'has() takes a field, as in has(object.spec)');
      this.asked.push(field);
    }
    for (const child of childrenOf(node)) this.read(child, names);
  }

  #methodOrMacro(node: MethodCall, names: readonly string[]): void {
    if (Object.hasOwn(MACROS, node.args[0])) this.#macro(node, names);
    else this.#method(node, names);
  }

  #method(node: MethodCall, names: readonly string[]): void {
    const [name, ...operands] = [node.args[0], node.args[1], ...node.args[2]] as const;
    if (!METHODS.includes(name)) throw new Refused(node, unknownFunction(name));
    if (name === 'contains' && !operands.every(isPlainText)) {
      throw new Refused(node, 'contains() takes a field or written text, nothing composed');
    }
    for (const operand of operands) this.read(operand, names);
  }

  #macro(node: MethodCall, names: readonly string[]): void {
    const [name, list, [variable, ...body]] = node.args;
    if (MACROS[name]?.includes(body.length + 1) !== true || variable?.op !== 'id') {
      throw new Refused(node, `${name}() takes a name for the element and a test, as in list.${name}(x, x != "")`);
    }
    if (this.#inMacro) throw new Refused(node, `${name}() stands inside another walk over a list`);
    if (!isWalkable(list)) throw new Refused(list, `${name}() walks a field or a written list, nothing computed`);
    if (names.includes(variable.args)) throw new Refused(variable, `${variable.args} has a meaning already`);
    this.#macros += 1;
    if (this.#macros > MAX_MACROS) throw new Refused(node, `walks more than ${MAX_MACROS} lists`);
    this.read(list, names);
    this.#inMacro = true;
    for (const part of body) this.read(part, [...names, variable.args]);
    this.#inMacro = false;
    this.#note(list, body);
  }

  #note(list: ASTNode, body: readonly ASTNode[]): void {
    const field = lastField(list);
    if (field === undefined) return;
    this.walks.set(field, (this.walks.get(field) ?? 0) + body.reduce((sum, part) => sum + countNodes(part), 0));
  }
}

function checkLiteral(node: Extract<ASTNode, { op: 'value' }>): void {
  const { args: value } = node;
  if (typeof value === 'string' && value.length > MAX_WRITTEN_TEXT) {
    throw new Refused(node, `has a text of more than ${MAX_WRITTEN_TEXT} characters`);
  }
  if (typeof value === 'bigint' && value > MAX_INT) throw new Refused(node, 'has a number out of range');
  if (typeof value === 'object' && value !== null) {
    throw new Refused(node, 'bytes and unsigned numbers cannot be written here');
  }
}

function checkName(node: ASTNode, name: string, names: readonly string[]): void {
  if (!names.includes(name)) throw new Refused(node, `${name} is not known here: ${names.join(', ')}`);
}

/** `has()` and `in` would find a claim's former name absent, for ever. */
function checkClaim(node: ASTNode): void {
  const problem = formerClaimProblem(claimNamed(node) ?? '');
  if (problem !== undefined) throw new Refused(node, problem);
}

/** @returns the name in `request.claims.name`, `request.claims["name"]` and `"name" in request.claims`. */
function claimNamed(node: ASTNode): string | undefined {
  if (node.op === 'in') return isClaims(node.args[1]) ? writtenText(node.args[0]) : undefined;
  if (node.op !== '.' && node.op !== '.?' && node.op !== '[]' && node.op !== '[?]') return undefined;
  const [of, name] = node.args;
  if (!isClaims(of)) return undefined;
  return typeof name === 'string' ? name : writtenText(name);
}

function isClaims(node: ASTNode): boolean {
  return node.op === '.' && node.args[1] === 'claims' && node.args[0].op === 'id' && node.args[0].args === 'request';
}

function writtenText(node: ASTNode): string | undefined {
  return node.op === 'value' && typeof node.args === 'string' ? node.args : undefined;
}

function unknownFunction(name: string): string {
  if (name === 'matches') return 'matches() is not available: use startsWith, endsWith or contains';
  const all = [...FUNCTIONS, ...METHODS.filter((method) => !FUNCTIONS.includes(method)), ...Object.keys(MACROS)];
  return `${name}() is not a function here: ${all.join(', ')}`;
}

/** `variable.field`, however deep. */
function isField(node: ASTNode): boolean {
  return node.op === '.' && (node.args[0].op === 'id' || isField(node.args[0]));
}

/** A path of fields, or a list that is written out: what a walk costs is then known before it begins. */
function isWalkable(node: ASTNode): boolean {
  if (node.op === 'list') return node.args.every(({ op }) => op === 'value');
  return node.op !== 'id' && isPath(node);
}

function isPath(node: ASTNode): boolean {
  if (node.op === 'id') return true;
  if (node.op === '.') return isPath(node.args[0]);
  return node.op === '[]' && node.args[1].op === 'value' && isPath(node.args[0]);
}

/** Searching one composed text for another could take long. */
function isPlainText(node: ASTNode): boolean {
  return node.op === 'value' || node.op === 'id' || node.op === '.' || node.op === '[]';
}

function lastField(node: ASTNode): string | undefined {
  if (node.op === '.') return node.args[1];
  return node.op === '[]' && node.args[1].op === 'value' ? String(node.args[1].args) : undefined;
}

function countNodes(node: ASTNode): number {
  return childrenOf(node).reduce((sum, child) => sum + countNodes(child), 1);
}

function childrenOf(node: ASTNode): readonly ASTNode[] {
  switch (node.op) {
    case 'value':
    case 'id':
      return [];
    case '.':
    case '.?':
      return [node.args[0]];
    case 'call':
      return node.args[1];
    case 'rcall':
      return [node.args[1], ...node.args[2]];
    case '!_':
    case '-_':
      return [node.args];
    case 'map':
      return node.args.flat();
    default:
      return node.args;
  }
}
