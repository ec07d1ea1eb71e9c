// From issues of a schema to problems with a path each: an unknown key is pointed at itself, and of a value
// that may take several forms the form is judged that was meant.
import type { z } from 'zod';
import { formatStep, type FieldPath } from '../../../domain/text/field-path.ts';

export interface FieldProblem {
  readonly path: FieldPath;
  readonly problem: string;
}

export function fieldProblems(issues: readonly z.core.$ZodIssue[]): readonly FieldProblem[] {
  return issues.flatMap((issue) => problemsOf(issue, []));
}

function problemsOf(issue: z.core.$ZodIssue, above: FieldPath): readonly FieldProblem[] {
  const path = [...above, ...issue.path.filter((step) => typeof step !== 'symbol')];
  if (issue.code === 'unrecognized_keys') {
    const words = issue.message.split('\n');
    return issue.keys.map((key, index) => ({ path: [...path, key], problem: words[index] ?? issue.message }));
  }
  if (issue.code === 'invalid_union') {
    const meant = issue.errors.find((branch) => branch.length > 0 && !branch.some(isOtherForm));
    if (meant !== undefined) return meant.flatMap((inner) => problemsOf(inner, path));
  }
  const words = issue.code === 'invalid_key' ? issue.issues[0]?.message : undefined;
  return [{ path, problem: words ?? issue.message }];
}

/** The value as a whole is of another type than this branch of a union takes. */
function isOtherForm({ code, path }: z.core.$ZodIssue): boolean {
  return path.length === 0 && (code === 'invalid_type' || code === 'invalid_value');
}

/** The path as decisions spell it: entries of lists by their `id` where they have one. */
export function spelledPath(data: unknown, path: FieldPath): string {
  let value = data;
  const steps = path.map((step) => {
    value = isIndexable(value) && Object.hasOwn(value, step) ? value[step] : undefined;
    const id = typeof step === 'number' && isIndexable(value) ? value['id'] : undefined;
    return typeof id === 'string' && /^[a-z0-9-]{1,63}$/.test(id) ? id : formatStep(step);
  });
  return steps.join('.');
}

function isIndexable(value: unknown): value is Readonly<Record<string | number, unknown>> {
  return typeof value === 'object' && value !== null;
}
