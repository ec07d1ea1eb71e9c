// `capstan policy check`: which identity each workload of a set of manifests would get, and under which bounds,
// or why not, before anything is applied.
import { Option, type Command } from 'commander';
import { ISSUANCE_CLASSES, type IssuanceClass } from '../../../domain/policy/request.ts';
import { CommandError, EXIT } from '../../exit-codes.ts';
import type { Invocation } from '../../invocation.ts';
import { addClusterOptions, type ClusterOptions } from '../../options/cluster-options.ts';
import {
  addRequestOptions,
  policiesOption,
  requestSettingsOf,
  type RequestOptions,
} from '../../options/request-options.ts';
import { exitOf, printReport, reportOption, type ReportFormat } from '../../reports/report.ts';
import { complainOfProblems, UnusableInput } from '../../problems.ts';

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
service account and was not judged is listed; --kinds tells where to look in kinds of your own. Ends with exit
code 1 when a workload would be refused, and 2 when something cannot be read.`;

export function registerPolicyCheck(policy: Command, invocation: Invocation): void {
  const command = policy
    .command('check')
    .description('show which identity each workload would get, or why it would get none')
    .argument('<manifest...>', 'files of Kubernetes manifests, directories, or - for standard input')
    .requiredOption('--bundle <file>', 'the policy bundle; its signature is not checked')
    .addOption(policiesOption());
  addRequestOptions(addClusterOptions(command))
    .option('--namespace <name>', 'namespace of objects that name none, as kubectl has it', 'default')
    .option('--kinds <file>', 'table of custom kinds: where their objects describe pods (docs/policy.md)')
    .addOption(new Option('--class <name>', 'only workloads of this class').choices(ISSUANCE_CLASSES))
    .option('--explain', 'show for every workload how it was decided, as `policy explain` does')
    .addOption(reportOption())
    .addHelpText('after', EXAMPLES)
    .action((paths: readonly string[], options: CheckOptions) => check(paths, options, invocation));
}

async function check(paths: readonly string[], options: CheckOptions, invocation: Invocation): Promise<void> {
  const { terminal, endWith } = invocation;
  // Loaded here: they bring the parsers, which no other command waits for.
  const [
    { readPoliciesInForce },
    { readKinds, readManifestTexts },
    { parseManifests },
    { checkManifests },
    { checkReport },
  ] = await Promise.all([
    import('../../inputs/read-policies.ts'),
    import('../../inputs/read-manifests.ts'),
    import('../../../review/sources/manifest-texts.ts'),
    import('../../../review/check/check-workloads.ts'),
    import('../../reports/check.ts'),
  ]);
  const kinds = options.kinds === undefined ? undefined : await readKinds(options.kinds);
  const nowMs = options.now ?? invocation.clock.nowMs();
  const policies = await readPoliciesInForce(options, nowMs);
  const manifests = parseManifests(await readManifestTexts(paths), { namespace: options.namespace });
  const { problems } = manifests;
  if ('problems' in policies) throw new UnusableInput('policies and manifests', [...policies.problems, ...problems]);
  const settings = requestSettingsOf(options);
  const found = checkManifests({
    manifests,
    policies,
    settings,
    nowMs,
    ...(kinds !== undefined && { kinds }),
    ...(options.class !== undefined && { class: options.class }),
  });
  if (found.checked.length + found.unjudged.length === 0) {
    if (problems.length > 0) throw new UnusableInput('the manifests', problems);
    throw new CommandError(EXIT.unreadable, `there is no workload in ${paths.join(' ')}`);
  }
  const report = checkReport({ ...found, policies, manifests }, options, terminal);
  endWith(problems.length > 0 ? EXIT.unreadable : exitOf(report.cases.flatMap(({ findings }) => findings)));
  printReport(report, options.output, terminal);
  if (problems.length > 0) complainOfProblems('all manifests', problems, terminal);
}
