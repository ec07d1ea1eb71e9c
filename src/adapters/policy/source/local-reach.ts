// A namespaced policy applies to its own namespace and sees nothing of others: what it says of them in its
// conditions is refused, so that nobody learns through refusals what runs elsewhere.
import { isFields } from '../schema/checks.ts';
import type { FieldProblem } from '../schema/problems.ts';

/** @param data an IssuancePolicy as it is written, whatever else is wrong with it. */
export function reachProblems(data: unknown): readonly FieldProblem[] {
  const namespace = fieldOf(fieldOf(data, 'metadata'), 'namespace');
  const conditions = fieldOf(fieldOf(data, 'spec'), 'conditions');
  if (!Array.isArray(conditions)) return [];
  return conditions.flatMap((condition: unknown, index) => {
    const place = fieldOf(fieldOf(condition, 'exists'), 'inNamespace');
    if (typeof place !== 'string' || place === 'self' || place === namespace) return [];
    const problem = 'must be self: a policy of a namespace sees no other one, and nothing of the cluster';
    return [{ path: ['spec', 'conditions', index, 'exists', 'inNamespace'], problem }];
  });
}

function fieldOf(data: unknown, name: string): unknown {
  return isFields(data) && Object.hasOwn(data, name) ? data[name] : undefined;
}
