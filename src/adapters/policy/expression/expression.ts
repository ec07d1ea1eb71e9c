// CEL in policies: compiled when a policy is loaded, where everything that could fail by its own fault is
// refused with a position; evaluated for each request over data that is bounded as it is read.
import type { ASTNode, Environment, ParseResult } from '@marcbachmann/cel-js';
import type { Expression, ExpressionInput } from '../../../domain/policy/condition.ts';
import { variablesOf } from './input.ts';
import { LANGUAGES, MAX_SOURCE, VARIABLES, type Over } from './language.ts';
import { meter, type Walks } from './meter.ts';
import { evaluationProblem, loadProblem } from './problems.ts';
import { readSyntax, type Syntax, type SyntaxProblem } from './syntax.ts';

/**
 * @param over what the expression is about: with `object` it may read the variable of that name.
 * @returns the expression, or why it is none; the offset counts UTF-16 units from 0. Never throws.
 */
export function compileExpression(source: string, over: Over): Expression | SyntaxProblem {
  if (source.length > MAX_SOURCE) return { problem: `is longer than ${MAX_SOURCE.toLocaleString('en')} characters` };
  try {
    const language = LANGUAGES[over];
    const parsed = language.parse(source);
    const syntax = readSyntax(parsed.ast, VARIABLES[over]);
    if ('problem' in syntax) return syntax;
    const { valid, type = 'nothing', error } = parsed.check();
    if (!valid) return loadProblem(error);
    if (type !== 'bool' && !type.startsWith('dyn')) return { problem: `gives ${type}, not true or false`, offset: 0 };
    return (
      unknownField(syntax.asked, language) ??
      brokenConstant(source, parsed, syntax.walks) ??
      new CelExpression(source, parsed, syntax)
    );
  } catch (error) {
    return loadProblem(error);
  }
}

/** What reads nothing gives the same answer to everybody: none, when it divides by zero. */
function brokenConstant(source: string, parsed: ParseResult, walks: Walks): SyntaxProblem | undefined {
  if (/\b(request|cluster|object)\b/.test(source)) return undefined;
  meter.start(walks);
  try {
    parsed({});
    return undefined;
  } catch (error) {
    return { problem: `has no answer for anybody: ${evaluationProblem(error, source)}`, offset: 0 };
  }
}

/** A field that a request never has would make `has()` false for ever. */
function unknownField(asked: readonly ASTNode[], language: Environment): SyntaxProblem | undefined {
  for (const { input, start, end } of asked) {
    const field = input.slice(start, end);
    if (!/^(request|cluster)\b/.test(field)) continue;
    const { valid, error } = language.check(field);
    if (!valid) return { ...loadProblem(error), offset: start };
  }
  return undefined;
}

class CelExpression implements Expression {
  readonly source: string;
  readonly readsPods: boolean;
  readonly readsNamespace: boolean;
  readonly #parsed: ParseResult;
  readonly #walks: Walks;

  constructor(source: string, parsed: ParseResult, { walks, requestFields }: Syntax) {
    this.source = source;
    this.readsPods = requestFields.has('podLabels') || requestFields.has('images');
    this.readsNamespace = requestFields.has('namespaceLabels');
    this.#parsed = parsed;
    this.#walks = walks;
  }

  evaluate(input: ExpressionInput): boolean | { readonly problem: string } {
    meter.start(this.#walks);
    try {
      const answer: unknown = this.#parsed(variablesOf(input));
      meter.spend(0);
      return typeof answer === 'boolean' ? answer : { problem: 'the answer is neither true nor false' };
    } catch (error) {
      return { problem: evaluationProblem(error, this.source) };
    }
  }
}
