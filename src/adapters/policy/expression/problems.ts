// Why an expression cannot be used or has no answer, in words that name its own parts and never a value that
// it read: they end up in refusals.
import { EvaluationError, ParseError, TypeError as CelTypeError } from '@marcbachmann/cel-js';
import { LIMITS } from './language.ts';
import { BeyondBounds } from './meter.ts';
import type { SyntaxProblem } from './syntax.ts';

/** Characters of an expression that a problem repeats. */
const MAX_QUOTE = 80;

const LIMIT_WORDS: readonly (readonly [limit: keyof typeof LIMITS, words: string])[] = [
  ['maxAstNodes', `has more than ${LIMITS.maxAstNodes} parts`],
  ['maxDepth', `is nested more than ${LIMITS.maxDepth} deep`],
  ['maxListElements', `has a list of more than ${LIMITS.maxListElements} elements`],
  ['maxMapEntries', 'maps cannot be written here'],
  ['maxCallArguments', `calls a function with more than ${LIMITS.maxCallArguments} arguments`],
];

/** By the code of the error; all others are types that do not fit. */
const EVALUATION_WORDS: Readonly<Record<string, string>> = {
  no_such_key: 'is not there',
  unknown_variable: 'is not there',
  index_out_of_bounds: 'is out of bounds',
  division_by_zero: 'divides by zero',
  modulo_by_zero: 'divides by zero',
  numeric_overflow: 'is a number out of range',
  int_conversion_error: 'is not a number',
  double_conversion_error: 'is not a number',
};

/** @param error what the parser or the checker threw. */
export function loadProblem(error: unknown): SyntaxProblem {
  if (!(error instanceof ParseError || error instanceof CelTypeError || error instanceof EvaluationError)) {
    return { problem: 'cannot be read' };
  }
  const offset = error.range?.start;
  return { problem: wordsAtLoad(error), ...(offset !== undefined && { offset }) };
}

function wordsAtLoad({ code, summary, name }: ParseError | CelTypeError | EvaluationError): string {
  const limit = code === 'limit_exceeded' ? LIMIT_WORDS.find(([key]) => summary.includes(key)) : undefined;
  if (limit !== undefined) return limit[1];
  const words = summary.replace(/^Unexpected token: EOF$/, 'it ends too early');
  return name === 'ParseError' ? `is not CEL: ${words}` : `does not type-check: ${words}`;
}

/** @param error what the evaluation threw. */
export function evaluationProblem(error: unknown, source: string): string {
  if (error instanceof BeyondBounds) return error.message;
  if (!(error instanceof EvaluationError)) return 'it cannot be evaluated';
  const words = EVALUATION_WORDS[error.code] ?? 'does not fit the type of its values';
  const { node } = error;
  return `${node === undefined ? 'a part' : quoted(source.slice(node.start, node.end))} ${words}`;
}

/** The parser does not count parentheses at either end as part of what stands in them. */
function quoted(part: string): string {
  const missing = part.split('(').length - part.split(')').length;
  const whole = missing < 0 ? '('.repeat(-missing) + part : part + ')'.repeat(missing);
  return whole.length > MAX_QUOTE ? `${whole.slice(0, MAX_QUOTE)}...` : whole;
}
