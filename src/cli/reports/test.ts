// Policy tests that were run, for people and programs.
import { formatQuantity } from '../../domain/text/format-count.ts';
import { formatPosition } from '../../domain/text/position.ts';
import { decisionData } from '../../review/explain/decision-data.ts';
import { formatDecision } from '../../review/explain/explain.ts';
import type { PolicyTest } from '../../review/policy-test/policy-test.ts';
import { mismatchFindings, type CaseResult } from '../../review/policy-test/run-policy-test.ts';
import type { Terminal } from '../terminal.ts';
import type { Report } from './report.ts';

export interface TestResult {
  readonly test: PolicyTest;
  readonly results: readonly CaseResult[];
}

export function testReport(ran: readonly TestResult[], terminal: Terminal): Report {
  return {
    tool: 'policy test',
    cases: ran.flatMap(({ test, results }) =>
      results.map((result) => ({ name: `${test.name}: ${result.name}`, findings: mismatchFindings(result) })),
    ),
    json: jsonOf(ran),
    text: () => print(ran, terminal),
  };
}

function jsonOf(ran: readonly TestResult[]): unknown {
  return {
    tests: ran.map(({ test, results }) => ({
      name: test.name,
      place: test.position.place,
      cases: results.map(({ name, mismatches, decision }) => ({
        name,
        passed: mismatches.length === 0,
        mismatches,
        decision: decisionData(decision),
      })),
    })),
  };
}

/** Tests that passed in a line each, cases that failed with everything that the evaluator had to say. */
function print(ran: readonly TestResult[], terminal: Terminal): void {
  for (const { test, results } of ran) {
    const failed = results.filter(({ mismatches }) => mismatches.length > 0);
    const mark = failed.length === 0 ? terminal.styled('green', '✓') : terminal.styled('red', '✗');
    terminal.print(`${mark} ${test.name}: ${formatPassed(results.length - failed.length, results.length)}`);
    for (const result of failed) printFailed(result, terminal);
    if (failed.length > 0) terminal.print('');
  }
  const all = ran.flatMap(({ results }) => results);
  terminal.print(`${formatPassed(all.filter(({ mismatches }) => mismatches.length === 0).length, all.length)}.`);
}

function printFailed({ name, position, mismatches, decision }: CaseResult, terminal: Terminal): void {
  terminal.print('');
  terminal.print(`  ${terminal.styled('red', '✗')} ${name} (${formatPosition(position)})`);
  for (const { field, expected, actual } of mismatches) {
    terminal.print(`      ${field}`);
    terminal.print(`        expected  ${expected}`);
    terminal.print(`        actual    ${actual}`);
  }
  for (const line of ['', ...formatDecision(decision)]) terminal.print(line === '' ? '' : `      ${line}`);
}

function formatPassed(passed: number, all: number): string {
  const cases = formatQuantity(all, 'case');
  return passed === all ? `${cases}, all as expected` : `${cases}, ${all - passed} not as expected`;
}
