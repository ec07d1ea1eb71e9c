// `capstan policy test`: requests, a cluster and the decisions that are expected of the policies.
import type { Command } from 'commander';
import { formatPosition } from '../../../domain/text/position.ts';
import { CommandError, EXIT } from '../../exit-codes.ts';
import type { Invocation } from '../../invocation.ts';
import type { CaseResult } from '../../../review/policy-test/run-policy-test.ts';
import type { PolicyTest } from '../../../review/policy-test/read-policy-tests.ts';
import { UnusableInput } from '../../unusable-input.ts';
import { exitOf, printReport, reportOption, type Finding, type ReportFormat } from '../../reports/report.ts';
import type { Terminal } from '../../terminal.ts';

const EXAMPLES = `
Examples:
  $ capstan policy test tests
  $ capstan policy test shop.test.yaml --output junit > results.xml

A test is a YAML document of kind PolicyTest: a bundle, local policies, and cases of one request and the decision
that is expected. Ends with exit code 1 when a case fails, and 2 when a test cannot be read.`;

export function registerPolicyTest(policy: Command, invocation: Invocation): void {
  policy
    .command('test')
    .description('ask the evaluator what tests ask, and compare')
    .argument('<path...>', 'files with tests, or directories')
    .addOption(reportOption())
    .addHelpText('after', EXAMPLES)
    .action((paths: readonly string[], { output }: { output: ReportFormat }) => test(paths, output, invocation));
}

interface TestResult {
  readonly fixture: PolicyTest;
  readonly results: readonly CaseResult[];
}

async function test(paths: readonly string[], output: ReportFormat, invocation: Invocation): Promise<void> {
  const { terminal, endWith } = invocation;
  // Loaded here: reading tests brings libraries that no other command waits for.
  const [{ readPolicyTests }, { runPolicyTest }] = await Promise.all([
    import('../../../review/policy-test/read-policy-tests.ts'),
    import('../../../review/policy-test/run-policy-test.ts'),
  ]);
  const { fixtures, problems } = await readPolicyTests(paths);
  if (problems.length > 0) {
    throw new UnusableInput('the tests', problems);
  }
  if (fixtures.length === 0) throw new CommandError(EXIT.unreadable, `there is no PolicyTest in ${paths.join(' ')}`);
  const ran = fixtures.map((fixture) => ({ fixture, results: runPolicyTest(fixture) }));
  const cases = ran.flatMap(({ fixture, results }) =>
    results.map((result) => ({ name: `${fixture.name}: ${result.name}`, findings: findingsOf(result) })),
  );
  endWith(exitOf(cases.flatMap(({ findings }) => findings)));
  const report = { tool: 'policy test', cases, json: await jsonOf(ran), text: await textOf(ran, terminal) };
  printReport(report, output, terminal);
}

function findingsOf({ position, mismatches }: CaseResult): readonly Finding[] {
  return mismatches.map(({ field, expected, actual }) => ({
    id: 'policy/test',
    level: 'error',
    message: `${field}: expected ${expected}, but it is ${actual}`,
    position,
  }));
}

async function jsonOf(ran: readonly TestResult[]): Promise<unknown> {
  const { decisionData } = await import('../../../review/explain/decision-data.ts');
  return {
    tests: ran.map(({ fixture, results }) => ({
      name: fixture.name,
      place: fixture.position.place,
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
async function textOf(ran: readonly TestResult[], terminal: Terminal): Promise<() => void> {
  const { formatTrace } = await import('../../../review/explain/format-trace.ts');
  const { tracedDecision } = await import('../../../review/explain/traced-decision.ts');
  const printFailed = ({ name, position, mismatches, decision }: CaseResult): void => {
    terminal.print('');
    terminal.print(`  ${terminal.styled('red', '✗')} ${name} (${formatPosition(position)})`);
    for (const { field, expected, actual } of mismatches) {
      terminal.print(`      ${field}`);
      terminal.print(`        expected  ${expected}`);
      terminal.print(`        actual    ${actual}`);
    }
    for (const line of ['', ...formatTrace(tracedDecision(decision))])
      terminal.print(line === '' ? '' : `      ${line}`);
  };
  return () => {
    for (const { fixture, results } of ran) {
      const failed = results.filter(({ mismatches }) => mismatches.length > 0);
      const mark = failed.length === 0 ? terminal.styled('green', '✓') : terminal.styled('red', '✗');
      terminal.print(`${mark} ${fixture.name}: ${countOf(results.length - failed.length, results.length)}`);
      for (const result of failed) printFailed(result);
      if (failed.length > 0) terminal.print('');
    }
    const all = ran.flatMap(({ results }) => results);
    terminal.print(`${countOf(all.filter(({ mismatches }) => mismatches.length === 0).length, all.length)}.`);
  };
}

function countOf(passed: number, all: number): string {
  const cases = all === 1 ? '1 case' : `${all} cases`;
  return passed === all ? `${cases}, all as expected` : `${cases}, ${all - passed} not as expected`;
}
