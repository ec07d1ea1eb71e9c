// `capstan policy check`: which identity each workload of a set of manifests would get, and under which bounds,
// or why not, before anything is applied.
import { Option, type Command } from 'commander';
import { ISSUANCE_CLASSES, type IssuanceClass } from '../../../domain/policy/request.ts';
import { positionInWords } from '../../../domain/position.ts';
import { CommandError, EXIT } from '../../exit-codes.ts';
import type { Invocation } from '../../invocation.ts';
import { addClusterOptions, clusterFactsOf, type ClusterOptions } from '../../policy/cluster-options.ts';
import { complainOfProblems } from '../../policy/problems.ts';
import { exitOf, printReport, reportOption, type Finding, type ReportFormat } from '../../policy/report.ts';
import { addQuestionOptions, policiesOption, type QuestionOptions } from '../../policy/requests-options.ts';
import type { CheckedWorkload } from '../../policy/requests-workloads.ts';
import type { Terminal } from '../../terminal.ts';

interface CheckOptions extends QuestionOptions, ClusterOptions {
  readonly bundle: string;
  readonly policies: readonly string[];
  readonly class?: IssuanceClass;
  readonly explain?: true;
  readonly output: ReportFormat;
}

const EXAMPLES = `
Examples:
  $ capstan policy check --bundle bundle.yaml --policies policies manifests
  $ capstan policy check --bundle bundle.yaml --policies policies manifests --output sarif > check.sarif

Every workload is judged by the server's own evaluator, over the manifests and a pod as its controller would make
it. Ends with exit code 1 when a workload would be refused, and 2 when something cannot be read.`;

export function registerPolicyCheck(policy: Command, invocation: Invocation): void {
  const command = policy
    .command('check')
    .description('tell which identity each workload would get, or why not')
    .argument('<manifest...>', 'files of Kubernetes manifests, or directories')
    .requiredOption('--bundle <file>', 'the central bundle; its signature is not asked for')
    .addOption(policiesOption());
  addQuestionOptions(addClusterOptions(command))
    .addOption(new Option('--class <name>', 'only workloads of this class').choices(ISSUANCE_CLASSES))
    .option('--explain', 'tell of every workload how it was decided, as `policy explain` does')
    .addOption(reportOption())
    .addHelpText('after', EXAMPLES)
    .action((paths: readonly string[], options: CheckOptions) => check(paths, options, invocation));
}

async function check(paths: readonly string[], options: CheckOptions, invocation: Invocation): Promise<void> {
  const { terminal, endWith } = invocation;
  // Loaded here: they bring the parsers, which no other command waits for.
  const [{ loadJudgingPolicies }, { readTexts }, { readManifests }, { checkWorkloads }, report] = await Promise.all([
    import('../../policy/judging-policies.ts'),
    import('../../policy/read-texts.ts'),
    import('../../../adapters/kubernetes/read-manifests.ts'),
    import('../../policy/requests-workloads.ts'),
    import('../../policy/requests-report.ts'),
  ]);
  const nowMs = options.now ?? invocation.clock.nowMs();
  const policies = await loadJudgingPolicies({ ...options, cluster: clusterFactsOf(options) }, nowMs);
  const manifests = readManifests(await readTexts(paths));
  if ('problems' in policies || manifests.problems.length > 0) {
    const problems = [...('problems' in policies ? policies.problems : []), ...manifests.problems];
    endWith(complainOfProblems('policies and manifests', problems, terminal));
    return;
  }
  const all = checkWorkloads(manifests.objects, policies, options, nowMs);
  const checked = all.filter((one) => options.class === undefined || classOf(one) === options.class);
  if (checked.length === 0) throw new CommandError(EXIT.unreadable, `there is no workload in ${paths.join(' ')}`);
  const cases = report.casesOf(checked);
  endWith(exitOf(cases.flatMap(({ findings }) => findings)));
  const { revision, bundleName, cluster } = policies;
  const json = { revision, bundle: bundleName, cluster, workloads: report.jsonOf(checked) };
  const text = await textOf(checked, options.explain === true, terminal);
  printReport({ tool: 'policy check', cases, json, text }, options.output, terminal);
}

function classOf(checked: CheckedWorkload): IssuanceClass | undefined {
  return 'decision' in checked ? checked.decision.class : undefined;
}

/** The table, then what is to be done; or of every workload everything that the evaluator had to say. */
async function textOf(checked: readonly CheckedWorkload[], explain: boolean, terminal: Terminal): Promise<() => void> {
  const { casesOf, rowsOf } = await import('../../policy/requests-report.ts');
  const { tracedDecision } = await import('../../policy/traced-decision.ts');
  const { traceInWords } = await import('../../policy/trace-words.ts');
  const detailsOf = (one: CheckedWorkload): readonly string[] =>
    explain && 'decision' in one
      ? traceInWords(tracedDecision(one.decision, one.applicable))
      : casesOf([one]).flatMap(({ findings }) => findings.map((finding) => remark(finding, terminal)));
  return () => {
    terminal.printTable(rowsOf(checked));
    for (const one of checked) {
      const { kind, namespace, name, position } = one.workload;
      const details = detailsOf(one);
      if (details.length === 0) continue;
      terminal.print('');
      terminal.print(`${terminal.styled('bold', `${kind} ${namespace}/${name}`)} (${positionInWords(position)})`);
      for (const line of details) terminal.print(line === '' ? '' : `  ${line}`);
    }
    const refused = checked.filter((one) => !('decision' in one) || one.decision.outcome !== 'approved').length;
    const count = checked.length === 1 ? '1 workload' : `${checked.length} workloads`;
    terminal.print('');
    terminal.print(
      refused === 0 ? `${count}, every one gets an identity.` : `${count}, ${refused} without an identity.`,
    );
  };
}

function remark({ id, level, message }: Finding, terminal: Terminal): string {
  return level === 'error'
    ? `${terminal.styled('red', '✗')} ${id} ${message}`
    : `${terminal.styled('yellow', '!')} ${id}, if it were enforced: ${message}`;
}
