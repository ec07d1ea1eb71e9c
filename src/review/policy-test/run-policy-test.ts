// Puts the requests of a test's cases to the evaluator, and compares.
import type { Position } from '../../domain/text/position.ts';
import type { PolicyDecision } from '../../domain/policy/policy-decision.ts';
import { evaluate } from '../../domain/policy/evaluation/evaluate.ts';
import type { Finding } from '../findings.ts';
import { mismatches, type Mismatch } from './mismatches.ts';
import type { PolicyTest } from './policy-test.ts';

export interface CaseResult {
  readonly name: string;
  readonly position: Position;
  readonly decision: PolicyDecision;
  /** Empty: the case passed. */
  readonly mismatches: readonly Mismatch[];
}

/** In the order in which the cases are written. */
export function runPolicyTest({ policies, cases }: PolicyTest): readonly CaseResult[] {
  return cases.map(({ name, position, request, snapshot, expect }) => {
    const decision = evaluate(policies, request, snapshot);
    return { name, position, decision, mismatches: mismatches(expect, decision) };
  });
}

export function mismatchFindings({ position, mismatches: found }: CaseResult): readonly Finding[] {
  return found.map(({ field, expected, actual }) => ({
    id: 'policy/test',
    severity: 'error',
    message: `${field}: expected ${expected}, but it is ${actual}`,
    position,
  }));
}
