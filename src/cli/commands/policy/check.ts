// `capstan policy check`: which identity each workload of a set of manifests would get, and under which bounds,
// or why not, before anything is applied.
import { Option, type Command } from 'commander';
import type { KindTable } from '../../../adapters/kubernetes/manifests/kind-table.ts';
import type { Unjudged } from '../../../adapters/kubernetes/manifests/workloads.ts';
import { ISSUANCE_CLASSES, type IssuanceClass } from '../../../domain/policy/request.ts';
import { formatPosition } from '../../../domain/text/position.ts';
import { CommandError, EXIT } from '../../exit-codes.ts';
import type { Invocation } from '../../invocation.ts';
import { addClusterOptions, clusterFactsOf, type ClusterOptions } from '../../options/cluster-options.ts';
import { complainOfProblems, UnusableInput } from '../../unusable-input.ts';
import {
  exitOf,
  printReport,
  reportOption,
  reportProblem,
  type Finding,
  type ReportFormat,
} from '../../reports/report.ts';
import { addRequestOptions, policiesOption, type RequestOptions } from '../../options/request-options.ts';
import type { CheckedWorkload } from '../../../review/check/check-workloads.ts';
import type { Terminal } from '../../terminal.ts';

interface CheckOptions extends RequestOptions, ClusterOptions {
  readonly bundle: string;
  readonly policies: readonly string[];
  readonly namespace: string;
  readonly kinds?: string;
  readonly class?: IssuanceClass;
  readonly explain?: true;
  readonly output: ReportFormat;
}

const EXAMPLES = `
Examples:
  $ capstan policy check --bundle bundle.yaml --policies policies manifests
  $ capstan policy check --bundle bundle.yaml --policies policies manifests --output sarif > check.sarif
  $ helm template shop | capstan policy check --bundle bundle.yaml --namespace shop -

Every workload is judged by the server's own evaluator, over the manifests and a pod as its controller would make
it. Objects of kinds that are not known are judged by the pod templates and service accounts in them; what names a
service account and was not judged is listed; --kinds tells where to look in kinds of your own. Ends with exit code 1 when a workload would be refused, and 2 when
something cannot be read.`;

export function registerPolicyCheck(policy: Command, invocation: Invocation): void {
  const command = policy
    .command('check')
    .description('tell which identity each workload would get, or why not')
    .argument('<manifest...>', 'files of Kubernetes manifests, directories, or - for standard input')
    .requiredOption('--bundle <file>', 'the central bundle; its signature is not asked for')
    .addOption(policiesOption());
  addRequestOptions(addClusterOptions(command))
    .option('--namespace <name>', 'namespace of objects that name none, as kubectl has it', 'default')
    .option('--kinds <file>', 'table of custom kinds: where their objects describe pods (docs/policy.md)')
    .addOption(new Option('--class <name>', 'only workloads of this class').choices(ISSUANCE_CLASSES))
    .option('--explain', 'tell of every workload how it was decided, as `policy explain` does')
    .addOption(reportOption())
    .addHelpText('after', EXAMPLES)
    .action((paths: readonly string[], options: CheckOptions) => check(paths, options, invocation));
}

async function check(paths: readonly string[], options: CheckOptions, invocation: Invocation): Promise<void> {
  const { terminal, endWith } = invocation;
  // Loaded here: they bring the parsers, which no other command waits for.
  const [{ loadJudgingPolicies }, { readManifestPaths }, { checkWorkloads }, report] = await Promise.all([
    import('../../inputs/judging-policies.ts'),
    import('../../inputs/read-manifests.ts'),
    import('../../../review/check/check-workloads.ts'),
    import('../../reports/check.ts'),
  ]);
  const { workloadsIn } = await import('../../../adapters/kubernetes/manifests/workloads.ts');
  const kinds = await kindsOf(options);
  const nowMs = options.now ?? invocation.clock.nowMs();
  const policies = await loadJudgingPolicies({ ...options, cluster: clusterFactsOf(options) }, nowMs);
  const manifests = await readManifestPaths(paths, { namespace: options.namespace });
  if ('problems' in policies) {
    throw new UnusableInput('policies and manifests', [...policies.problems, ...manifests.problems]);
  }
  const { workloads: found, unjudged } = workloadsIn(manifests.objects, kinds);
  const all = checkWorkloads({ workloads: found }, manifests, policies, options, nowMs);
  const checked = all.filter((one) => options.class === undefined || classOf(one) === options.class);
  const { problems, passedOver } = manifests;
  if (checked.length + unjudged.length === 0) {
    if (problems.length > 0) throw new UnusableInput('the manifests', problems);
    throw new CommandError(EXIT.unreadable, `there is no workload in ${paths.join(' ')}`);
  }
  const cases = [...report.casesOf(checked), ...report.unjudgedCases(unjudged)];
  endWith(problems.length > 0 ? EXIT.unreadable : exitOf(cases.flatMap(({ findings }) => findings)));
  const { revision, bundleName, cluster } = policies;
  const workloads = report.jsonOf(checked);
  const json = { revision, bundle: bundleName, cluster, workloads, unjudged, passedOver: passedOver.length, problems };
  const text = await textOf({ checked, unjudged, passedOver: passedOver.length }, options, terminal);
  printReport(
    { tool: 'policy check', cases, json, text, problems: problems.map(reportProblem) },
    options.output,
    terminal,
  );
  if (problems.length > 0) complainOfProblems('all manifests', problems, terminal);
}

/** @throws UnusableInput with everything that is wrong with the table. */
async function kindsOf({ kinds: file }: CheckOptions): Promise<KindTable | undefined> {
  if (file === undefined) return undefined;
  const [{ readKindTable }, { readInput }] = await Promise.all([
    import('../../../adapters/kubernetes/manifests/kind-table.ts'),
    import('../../inputs/files.ts'),
  ]);
  const found = readKindTable(await readInput(file), file);
  if ('problems' in found) throw new UnusableInput('the table of kinds', found.problems);
  return found.kinds;
}

function classOf(checked: CheckedWorkload): IssuanceClass | undefined {
  return 'decision' in checked ? checked.decision.class : undefined;
}

/** The table, then what is to be done; or of every workload everything that the evaluator had to say. */
async function textOf(
  { checked, unjudged, passedOver }: Judged,
  { explain, namespace }: CheckOptions,
  terminal: Terminal,
): Promise<() => void> {
  const { casesOf, rowsOf } = await import('../../reports/check.ts');
  const { tracedDecision } = await import('../../../review/explain/traced-decision.ts');
  const { formatTrace } = await import('../../../review/explain/format-trace.ts');
  const detailsOf = (one: CheckedWorkload): readonly string[] =>
    explain === true && 'decision' in one
      ? formatTrace(tracedDecision(one.decision, one.applicable))
      : casesOf([one]).flatMap(({ findings }) => findings.flatMap((finding) => remark(finding, terminal)));
  return () => {
    terminal.printTable(rowsOf(checked));
    for (const one of checked) {
      const { kind, namespace, name, position } = one.workload;
      const details = detailsOf(one);
      if (details.length === 0) continue;
      terminal.print('');
      terminal.print(`${terminal.styled('bold', `${kind} ${namespace}/${name}`)} (${formatPosition(position)})`);
      for (const line of details) terminal.print(line === '' ? '' : `  ${line}`);
    }
    const refused = checked.filter((one) => !('decision' in one) || one.decision.outcome !== 'approved').length;
    const judged = `${counted(checked.length, 'workload')} judged`;
    terminal.print('');
    for (const { kind, namespace: where, name, why, position } of unjudged) {
      terminal.print(
        `${terminal.styled('yellow', '!')} not judged: ${kind} ${where}/${name} (${formatPosition(position)}) ${why}`,
      );
    }
    const assumed = checked.filter(({ workload }) => workload.assumed === true).length;
    if (assumed > 0)
      terminal.print(`${counted(assumed, 'workload')} named no namespace: ${namespace} was assumed (--namespace).`);
    if (passedOver > 0) terminal.print(`${counted(passedOver, 'document')} of other tools passed over.`);
    terminal.print(
      refused === 0 ? `${judged}, none without an identity.` : `${judged}, ${refused} without an identity.`,
    );
  };
}

interface Judged {
  readonly checked: readonly CheckedWorkload[];
  readonly unjudged: readonly Unjudged[];
  readonly passedOver: number;
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}

/** Notes are for machines: a line below the table counts them. */
function remark({ id, level, message }: Finding, terminal: Terminal): readonly string[] {
  if (level === 'note') return [];
  return level === 'error'
    ? [`${terminal.styled('red', '✗')} ${id} ${message}`]
    : [`${terminal.styled('yellow', '!')} ${id}, if it were enforced: ${message}`];
}
