// What zod finds wrong, in the words of somebody who writes policies.
import type { z } from 'zod';
import { nearest } from '../../../domain/text/nearest.ts';
import { formerFieldProblem } from '../former-names.ts';

/** As in an error message of ours: long names are cut. */
const MAX_QUOTED = 60;

const TYPES: Readonly<Record<string, string>> = {
  string: 'text',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
  boolean: 'true or false',
  number: 'a whole number',
  int: 'a whole number',
};

/** For `safeParse`: schemas that have words of their own come first. Unknown keys get one line each. */
export function wordsOf(issue: z.core.$ZodRawIssue): string | undefined {
  switch (issue.code) {
    case 'invalid_type':
      return issue.input === undefined ? 'is required' : wrongType(issue.expected, issue.input);
    case 'invalid_value':
      return issue.input === undefined ? 'is required' : wrongValue(issue.values.map(String), issue.input);
    case 'unrecognized_keys':
      return issue.keys.map((key) => unknownKey(key, knownKeys(issue.inst))).join('\n');
    case 'too_small':
      return issue.origin === 'array' ? 'must not be empty' : `must be at least ${String(issue.minimum)}`;
    case 'too_big':
      return tooBig(issue.origin, String(issue.maximum));
    default:
      return undefined;
  }
}

function wrongType(expected: string, input: unknown): string {
  const words = `must be ${TYPES[expected] ?? expected}`;
  const quotable = expected === 'string' && (typeof input === 'boolean' || typeof input === 'number');
  return quotable ? `${words}; put quotes around it` : words;
}

function wrongValue(values: readonly string[], input: unknown): string {
  const words = `must be ${values.length > 1 ? 'one of ' : ''}${values.join(', ')}`;
  const guess = typeof input === 'string' && values.length > 1 ? nearest(input, values) : undefined;
  return guess === undefined ? words : `${words}; did you mean ${guess}?`;
}

function tooBig(origin: string, maximum: string): string {
  if (origin === 'array') return `must have at most ${maximum} entries`;
  return origin === 'string' ? `must have at most ${maximum} characters` : `must be at most ${maximum}`;
}

function unknownKey(key: string, known: readonly string[]): string {
  const renamed = formerFieldProblem(key, known);
  if (renamed !== undefined) return renamed;
  const guess = nearest(key, known);
  const suggestion = guess === undefined ? `known fields: ${known.join(', ')}` : `did you mean ${guess}?`;
  return `is no field here; ${suggestion}`;
}

function knownKeys(schema: unknown): readonly string[] {
  const shape = (schema as { readonly _zod?: { readonly def?: { readonly shape?: object } } } | undefined)?._zod?.def
    ?.shape;
  return Object.keys(shape ?? {});
}

/** A name or value that somebody wrote, short enough to be repeated. */
export function quoted(written: string): string {
  return JSON.stringify(written.length <= MAX_QUOTED ? written : `${written.slice(0, MAX_QUOTED)}...`);
}
