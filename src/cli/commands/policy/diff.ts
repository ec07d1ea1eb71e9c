// `capstan policy diff`: what a change of policies does, field by field, before it is merged.
import type { Command } from 'commander';
import { CommandError, EXIT } from '../../exit-codes.ts';
import type { Invocation } from '../../invocation.ts';
import type { ReadDocuments } from '../../../review/sources/policy-texts.ts';
import { UnusableInput } from '../../problems.ts';
import { exitOf, printReport, reportOption, type ReportFormat } from '../../reports/report.ts';

interface DiffOptions {
  readonly allowWidening: boolean;
  readonly output: ReportFormat;
}

const EXAMPLES = `
Examples:
  $ capstan policy diff main/policies policies
  $ capstan policy diff old-bundle.yaml bundle.yaml --output github

Ends with exit code 1 when somebody may have more than before, with 2 when a file cannot be read. What cannot
be compared, such as another expression, counts as what may give more.`;

export function registerPolicyDiff(policy: Command, invocation: Invocation): void {
  policy
    .command('diff')
    .description('show field by field what a change of policies widens and narrows')
    .argument('<old>', 'a file, or a directory of *.yaml, *.yml and *.json')
    .argument('<new>', 'the same after the change')
    .option('--allow-widening', 'end with exit code 0 whatever is widened', false)
    .addOption(reportOption())
    .addHelpText('after', EXAMPLES)
    .action((before: string, after: string, options: DiffOptions) => diff(before, after, options, invocation));
}

async function diff(before: string, after: string, options: DiffOptions, invocation: Invocation): Promise<void> {
  const { terminal, endWith } = invocation;
  // Loaded here: they bring the parsers, which no other command waits for.
  const [{ readTexts }, { parseTexts }, { diffPolicies }, { diffReport }] = await Promise.all([
    import('../../inputs/read-texts.ts'),
    import('../../../review/sources/policy-texts.ts'),
    import('../../../review/diff/diff-policies.ts'),
    import('../../reports/diff.ts'),
  ]);
  const [one, other] = [parseTexts(await readTexts([before])), parseTexts(await readTexts([after]))];
  const problems = [...one.problems, ...other.problems];
  if (problems.length > 0) throw new UnusableInput('the policies', problems);
  demandBundles(one, other);
  const found = diffPolicies(one.documents, other.documents);
  const report = diffReport(found, options.allowWidening ? 'note' : 'error', terminal);
  endWith(exitOf(report.cases.flatMap(({ findings }) => findings)));
  printReport(report, options.output, terminal);
}

/** A bundle that is held against local policies is a path that was mistyped. */
function demandBundles(one: ReadDocuments, other: ReadDocuments): void {
  const [before, after] = [one, other].map(({ documents }) =>
    documents.some(({ document }) => document.kind === 'PolicyBundle'),
  );
  if (before === after || one.documents.length === 0 || other.documents.length === 0) return;
  throw new CommandError(
    EXIT.unreadable,
    `the ${before === true ? 'old' : 'new'} side has a bundle and the other has none`,
  );
}
