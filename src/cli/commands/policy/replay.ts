// `capstan policy replay`: recorded decisions under a candidate policy, before it is rolled out.
import { Option, type Command } from 'commander';
import type { CandidateFiles } from '../../inputs/read-candidate.ts';
import type { Invocation } from '../../invocation.ts';
import {
  addJournalOptions,
  chosenJournal,
  momentOf,
  sinceOptionWithDefault,
  type JournalChoice,
  type Since,
} from '../../options/journal-options.ts';
import { addClusterOptions, clusterFactsOf, type ClusterOptions } from '../../options/cluster-options.ts';
import { exitOf, printReport, reportOption, type ReportFormat } from '../../reports/report.ts';

interface ReplayOptions extends JournalChoice, ClusterOptions {
  readonly since: Since;
  readonly bundle: string;
  readonly with: readonly string[];
  readonly cluster?: string;
  readonly progress?: true;
  readonly output: ReportFormat;
}

const DEFAULT_SINCE: Since = { agoMs: 7 * 86_400_000 };

const EXAMPLES = `
Examples:
  $ capstan policy replay --config capstan.yaml --since 7d --bundle bundle.yaml --with policies
  $ capstan policy replay --journal journal.db --bundle bundle.yaml --with policies --cluster manifests --output json

Every recorded question is put to the candidate by the server's own evaluator. Conditions and namespace labels are
judged over the manifests that --cluster names; without them, what depends on the cluster is left undecided. Quotas
are not replayed. Ends with exit code 1 when somebody would newly be refused, and 2 when something cannot be read.`;

export function registerPolicyReplay(policy: Command, invocation: Invocation): void {
  const command = policy
    .command('replay')
    .description('judge the decisions of the journal by a candidate policy')
    .requiredOption('--bundle <file>', 'the candidate policy bundle; its signature is not checked')
    .addOption(
      new Option('--with <path...>', 'the candidate local policies: files, or directories').default([], 'none'),
    )
    .addOption(sinceOptionWithDefault(DEFAULT_SINCE, '7d'))
    .option('--cluster <folder>', 'Kubernetes manifests of the cluster');
  addClusterOptions(addJournalOptions(command))
    .addOption(reportOption())
    .addHelpText('after', EXAMPLES)
    .action((options: ReplayOptions) => replay(options, invocation));
}

async function replay(options: ReplayOptions, invocation: Invocation): Promise<void> {
  const { terminal, endWith, clock } = invocation;
  const journal = chosenJournal(options, invocation);
  const [{ readCandidate }, { readJournal }, { PolicyReplay }, { replayReport }] = await Promise.all([
    import('../../inputs/read-candidate.ts'),
    import('../../inputs/journal/read-journal.ts'),
    import('../../../review/replay/replay.ts'),
    import('../../reports/replay.ts'),
  ]);
  const replayed = new PolicyReplay(await readCandidate(candidateOf(options)), momentOf(options.since, clock.nowMs()));
  const reading = { journal, query: { sinceMs: replayed.sinceMs }, progress: options.progress === true };
  await readJournal(reading, invocation, (record) => replayed.add(record));
  const report = replayReport(replayed.result(), terminal);
  endWith(exitOf(report.cases.flatMap(({ findings }) => findings)));
  printReport(report, options.output, terminal);
}

function candidateOf(options: ReplayOptions): CandidateFiles {
  const { bundle, with: local, cluster: manifests } = options;
  return {
    bundle,
    policies: local,
    cluster: clusterFactsOf(options),
    ...(manifests !== undefined && { manifests }),
  };
}
