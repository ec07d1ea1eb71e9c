// `capstan policy explain`: why a decision was as it was, from the journal, or how one would be, from the
// evaluator.
import { Option, type Command } from 'commander';
import { CommandError, EXIT } from '../../exit-codes.ts';
import type { Invocation } from '../../invocation.ts';
import { addClusterOptions, type ClusterOptions } from '../../options/cluster-options.ts';
import { UnusableInput } from '../../problems.ts';
import { addJournalChoice, type JournalChoice } from '../../options/journal-options.ts';
import {
  addRequestOptions,
  policiesOption,
  requestSettingsOf,
  type RequestOptions,
} from '../../options/request-options.ts';
import { requestFrom, subjectOfServiceAccount } from '../../../review/requests/assumed-request.ts';
import type { ExplainFormat } from '../../reports/explain.ts';

interface ExplainOptions extends RequestOptions, ClusterOptions, JournalChoice {
  readonly namespace?: string;
  readonly serviceAccount?: string;
  readonly bundle?: string;
  readonly policies: readonly string[];
  readonly cluster?: string;
  readonly output: ExplainFormat;
}

const EXAMPLES = `
Examples:
  $ capstan policy explain 01JD3M4C9Q --config capstan.yaml
  $ capstan policy explain --namespace shop --service-account api --bundle bundle.yaml --policies policies \\
      --cluster manifests

A refused workload finds the id of its decision in its own log, after id=.`;

export function registerPolicyExplain(policy: Command, invocation: Invocation): void {
  const command = policy
    .command('explain')
    .description('explain a decision of the journal, or one that would be made')
    .argument('[decision]', 'id of a decision in the journal');
  addJournalChoice(command)
    .option('--namespace <name>', 'instead of a decision: namespace of a workload')
    .option('--service-account <name>', 'its service account')
    .option('--bundle <file>', 'the policy bundle; its signature is not checked')
    .addOption(policiesOption())
    .option('--cluster <folder>', 'Kubernetes manifests of the cluster');
  addRequestOptions(addClusterOptions(command))
    .addOption(
      new Option('--output <format>', 'how to print it; text is words and tree')
        .choices(['text', 'words', 'tree', 'json'] satisfies ExplainFormat[])
        .default('text'),
    )
    .addHelpText('after', EXAMPLES)
    .action((decision: string | undefined, options: ExplainOptions) =>
      decision === undefined ? explainRequest(options, invocation) : explainRecord(decision, options, invocation),
    );
}

async function explainRecord(decision: string, options: ExplainOptions, invocation: Invocation): Promise<void> {
  if (options.namespace !== undefined || options.serviceAccount !== undefined) {
    throw new CommandError(EXIT.unreadable, 'name a decision, or --namespace and --service-account, not both');
  }
  const { terminal } = invocation;
  const [{ findDecision }, { recordedDecision, whyUntraced }, { printTraced }] = await Promise.all([
    import('../../inputs/journal/recorded-decision.ts'),
    import('../../../review/explain/traced-decision.ts'),
    import('../../reports/explain.ts'),
  ]);
  const record = await findDecision(decision, options, invocation);
  const traced = recordedDecision(record);
  if (options.output === 'json') terminal.printJson(record);
  else if (traced !== undefined) printTraced(traced, options.output, terminal);
  else terminal.print(`Decision ${decision} was made without policy: ${whyUntraced(record)}.`);
}

async function explainRequest(options: ExplainOptions, invocation: Invocation): Promise<void> {
  const { terminal, clock } = invocation;
  const { namespace, serviceAccount, bundle } = options;
  if (namespace === undefined || serviceAccount === undefined || bundle === undefined) {
    throw new CommandError(EXIT.unreadable, 'name a decision, or --namespace, --service-account and --bundle');
  }
  const settings = requestSettingsOf(options);
  const subject = subjectOfServiceAccount(settings.trustDomain, namespace, serviceAccount);
  if ('problem' in subject) throw new CommandError(EXIT.unreadable, `the identity ${subject.problem}`);
  const nowMs = options.now ?? clock.nowMs();
  const [{ readCluster, readPoliciesInForce }, { explain }, { printDecision }] = await Promise.all([
    import('../../inputs/read-policies.ts'),
    import('../../../review/explain/explain.ts'),
    import('../../reports/explain.ts'),
  ]);
  const policies = await readPoliciesInForce({ ...options, bundle }, nowMs);
  const cluster = await readCluster(options.cluster);
  if ('problems' in policies || 'problems' in cluster) {
    const problems = [policies, cluster].flatMap((part) => ('problems' in part ? part.problems : []));
    throw new UnusableInput('policies and manifests', problems);
  }
  const request = requestFrom(settings, subject, policies, cluster.snapshot, nowMs);
  printDecision(explain(policies, request, cluster.snapshot), options.output, terminal);
}
