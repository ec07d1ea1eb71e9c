// `capstan policy lint`: what is wrong with policies before anybody is judged by them.
import type { Command } from 'commander';
import { CommandError, EXIT } from '../../exit-codes.ts';
import type { Invocation } from '../../invocation.ts';
import { addClusterOptions, clusterFactsOf, namesCluster, type ClusterOptions } from '../../options/cluster-options.ts';
import { exitOf, printReport, reportOption, type ReportFormat } from '../../reports/report.ts';

interface LintOptions extends ClusterOptions {
  readonly bundle?: string;
  readonly strict: boolean;
  readonly output: ReportFormat;
}

const EXAMPLES = `
Examples:
  $ capstan policy lint --bundle bundle.yaml policies/
  $ capstan policy lint bundle.yaml --output github

With --bundle, the paths are read as a server reads its policies: the file shop/api.yaml of a directory is for
the namespace shop only. Without it, local policies are held against the one bundle among the files.
Ends with exit code 1 when something is wrong, with 2 when a file cannot be read.`;

export function registerPolicyLint(policy: Command, invocation: Invocation): void {
  const command = policy
    .command('lint')
    .description('check policy files: shape, expressions, what asks for too much, what nobody can pass')
    .argument('<path...>', 'files, and directories of *.yaml, *.yml and *.json')
    .option('--bundle <file>', 'the bundle that local policies are held against')
    .option('--strict', 'end with exit code 1 for warnings too', false);
  addClusterOptions(command)
    .addOption(reportOption())
    .addHelpText('after', EXAMPLES)
    .action((paths: readonly string[], options: LintOptions) => lint(paths, options, command, invocation));
}

async function lint(
  paths: readonly string[],
  options: LintOptions,
  command: Command,
  { terminal, clock, endWith }: Invocation,
): Promise<void> {
  // Loaded here: they bring the parsers, which no other command waits for.
  const [{ readBundleTexts, readTexts }, { lintPolicies }, { lintReport }] = await Promise.all([
    import('../../inputs/read-texts.ts'),
    import('../../../review/lint/lint-policies.ts'),
    import('../../reports/lint.ts'),
  ]);
  const result = lintPolicies({
    texts: await readTexts(paths),
    ...(options.bundle !== undefined && { bundle: await readBundleTexts(options.bundle) }),
    ...(namesCluster(command) && { cluster: clusterFactsOf(options) }),
    nowMs: clock.nowMs(),
  });
  if (result === undefined) {
    throw new CommandError(EXIT.unreadable, `there is no policy document in ${paths.join(' ')}`);
  }
  endWith(exitOf(result.findings, options));
  printReport(lintReport(result, terminal), options.output, terminal);
}
