// `capstan policy explain`: why a decision was as it was, from the journal, or how one would be, from the
// evaluator.
import { Option, type Command } from 'commander';
import { DEV_DATA_DIRECTORY } from '../../../config/dev.ts';
import { unsyncedSnapshot, type ClusterSnapshot } from '../../../domain/cluster/snapshot.ts';
import type { DecisionRecord } from '../../../ports/storage/issuance-journal.ts';
import { CommandError, EXIT } from '../../exit-codes.ts';
import type { Invocation } from '../../invocation.ts';
import { addClusterOptions, clusterFactsOf, type ClusterOptions } from '../../options/cluster-options.ts';
import { UnusableInput } from '../../unusable-input.ts';
import type { JournalChoice } from '../../options/journal-options.ts';
import { addRequestOptions, policiesOption, requestFrom, type RequestOptions } from '../../options/request-options.ts';
import { subjectOf } from '../../../review/requests/assumed-request.ts';
import type { TracedDecision } from '../../../review/explain/traced-decision.ts';
import type { Terminal } from '../../terminal.ts';

type ExplainFormat = 'text' | 'words' | 'tree' | 'json';

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
    .description('tell why a decision was as it was, or how it would be')
    .argument('[decision]', 'id of a decision in the journal')
    .option('--journal <file>', 'the journal itself')
    .option('--config <file>', 'configuration whose journal to read')
    .option('--data-dir <folder>', 'data directory whose journal to read', DEV_DATA_DIRECTORY)
    .option('--namespace <name>', 'instead of a decision: namespace of a workload')
    .option('--service-account <name>', 'its service account')
    .option('--bundle <file>', 'the central bundle; its signature is not asked for')
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
  const { findDecision } = await import('../../inputs/recorded-decision.ts');
  const record = await findDecision(decision, options, invocation);
  const { recordedDecision } = await import('../../../review/explain/traced-decision.ts');
  const traced = recordedDecision(record);
  if (options.output === 'json') terminal.printJson(record);
  else if (traced !== undefined) await print(traced, options.output, terminal);
  else terminal.print(`Decision ${decision} was made without policy: ${unasked(record)}.`);
}

function unasked(record: DecisionRecord): string {
  return record.outcome === 'refused'
    ? record.message
    : `serial ${record.serial} is ${record.api === 'self' ? "Capstan's own, of which policy is not asked" : 'from before decisions had traces'}`;
}

async function explainRequest(options: ExplainOptions, invocation: Invocation): Promise<void> {
  const { terminal, clock } = invocation;
  const { namespace, serviceAccount, bundle } = options;
  if (namespace === undefined || serviceAccount === undefined || bundle === undefined) {
    throw new CommandError(EXIT.unreadable, 'name a decision, or --namespace, --service-account and --bundle');
  }
  const subject = subjectOf(options.trustDomain, namespace, serviceAccount);
  if ('problem' in subject) throw new CommandError(EXIT.unreadable, `the identity ${subject.problem}`);
  const nowMs = options.now ?? clock.nowMs();
  const { loadJudgingPolicies } = await import('../../inputs/judging-policies.ts');
  const files = { bundle, policies: options.policies, cluster: clusterFactsOf(options) };
  const policies = await loadJudgingPolicies(files, nowMs);
  const cluster = await clusterFrom(options.cluster);
  if ('problems' in policies || 'problems' in cluster) {
    const problems = [policies, cluster].flatMap((part) => ('problems' in part ? part.problems : []));
    throw new UnusableInput('policies and manifests', problems);
  }
  const [{ evaluate }, { applicableTo }, { tracedDecision }, { decisionData }] = await Promise.all([
    import('../../../domain/policy/evaluation/evaluate.ts'),
    import('../../../domain/policy/evaluation/applicable.ts'),
    import('../../../review/explain/traced-decision.ts'),
    import('../../../review/explain/decision-data.ts'),
  ]);
  const decision = evaluate(policies, requestFrom(options, subject, policies.bundle, nowMs), cluster);
  if (options.output === 'json') terminal.printJson(decisionData(decision));
  else await print(tracedDecision(decision, applicableTo(policies, subject, cluster)), options.output, terminal);
}

async function clusterFrom(folder: string | undefined) {
  if (folder === undefined) return unsyncedSnapshot('no manifests of the cluster are given; name them with --cluster');
  const [{ readManifestPaths }, { snapshotOf }] = await Promise.all([
    import('../../inputs/read-manifests.ts'),
    import('../../../adapters/kubernetes/manifests/manifest-snapshot.ts'),
  ]);
  const { objects, problems } = await readManifestPaths([folder]);
  return problems.length > 0 ? { problems } : (snapshotOf(objects) satisfies ClusterSnapshot);
}

async function print(
  traced: TracedDecision,
  format: Exclude<ExplainFormat, 'json'>,
  terminal: Terminal,
): Promise<void> {
  const [{ formatTrace }, { traceAsTree }] = await Promise.all([
    import('../../../review/explain/format-trace.ts'),
    import('../../../review/explain/trace-tree.ts'),
  ]);
  if (format !== 'tree') for (const line of formatTrace(traced)) terminal.print(line);
  if (format === 'text') terminal.print('');
  if (format !== 'words') for (const line of traceAsTree(traced)) terminal.print(line);
}
