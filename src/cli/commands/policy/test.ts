// `capstan policy test`: requests, a cluster and the decisions that are expected of the policies.
import type { Command } from 'commander';
import { CommandError, EXIT } from '../../exit-codes.ts';
import type { Invocation } from '../../invocation.ts';
import { exitOf, printReport, reportOption, type ReportFormat } from '../../reports/report.ts';
import { UnusableInput } from '../../problems.ts';

const EXAMPLES = `
Examples:
  $ capstan policy test tests
  $ capstan policy test shop.test.yaml --output junit > results.xml

A test is a YAML document of kind PolicyTest: a bundle, local policies, and cases of one request and the decision
that is expected. Ends with exit code 1 when a case fails, and 2 when a test cannot be read.`;

export function registerPolicyTest(policy: Command, invocation: Invocation): void {
  policy
    .command('test')
    .description('run policy tests')
    .argument('<path...>', 'files with tests, or directories')
    .addOption(reportOption())
    .addHelpText('after', EXAMPLES)
    .action((paths: readonly string[], { output }: { output: ReportFormat }) => test(paths, output, invocation));
}

async function test(paths: readonly string[], output: ReportFormat, invocation: Invocation): Promise<void> {
  const { terminal, endWith } = invocation;
  // Loaded here: reading tests brings libraries that no other command waits for.
  const [{ readTexts, readTextsBeside }, { readPolicyTests }, { runPolicyTest }, { testReport }] = await Promise.all([
    import('../../inputs/read-texts.ts'),
    import('../../../review/policy-test/read-policy-tests.ts'),
    import('../../../review/policy-test/run-policy-test.ts'),
    import('../../reports/test.ts'),
  ]);
  const { tests, problems } = await readPolicyTests(await readTexts(paths), readTextsBeside);
  if (problems.length > 0) throw new UnusableInput('the tests', problems);
  if (tests.length === 0) throw new CommandError(EXIT.unreadable, `there is no PolicyTest in ${paths.join(' ')}`);
  const report = testReport(
    tests.map((one) => ({ test: one, results: runPolicyTest(one) })),
    terminal,
  );
  endWith(exitOf(report.cases.flatMap(({ findings }) => findings)));
  printReport(report, output, terminal);
}
