// `capstan policy replay`: recorded decisions under a candidate policy, before it is rolled out.
import { Option, type Command } from 'commander';
import { EXIT } from '../../exit-codes.ts';
import type { Invocation } from '../../invocation.ts';
import {
  addJournalOptions,
  journalFile,
  momentOf,
  sinceOption,
  type JournalChoice,
  type Since,
} from '../../options/journal-options.ts';
import { addClusterOptions, clusterFactsOf, type ClusterOptions } from '../../options/cluster-options.ts';
import { printReport, reportOption, type ReportFormat } from '../../reports/report.ts';

interface ReplayOptions extends JournalChoice, ClusterOptions {
  readonly since: Since;
  readonly bundle: string;
  readonly with: readonly string[];
  readonly cluster?: string;
  readonly progress?: true;
  readonly output: ReportFormat;
}

/** Who was issued a certificate so long before the first decision is known to renew it. */
const WARM_UP_MS = 86_400_000;
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
    .description('ask a candidate policy about decisions of the past')
    .requiredOption('--bundle <file>', 'the candidate bundle; its signature is not asked for')
    .addOption(
      new Option('--with <path...>', 'the candidate local policies: files, or directories').default([], 'none'),
    )
    .addOption(
      new Option('--since <time>', 'how far back: a duration, or an ISO 8601 time')
        .argParser(sinceOption)
        .default(DEFAULT_SINCE, '7d'),
    )
    .option('--cluster <folder>', 'Kubernetes manifests of the cluster');
  addClusterOptions(addJournalOptions(command))
    .addOption(reportOption())
    .addHelpText('after', EXAMPLES)
    .action((options: ReplayOptions) => replay(options, invocation));
}

async function replay(options: ReplayOptions, invocation: Invocation): Promise<void> {
  const { terminal, endWith, clock } = invocation;
  const file = journalFile(options, invocation);
  const [{ loadCandidate }, { readJournal }, { Replayer }, { ReplayTally }, { replayReport }] = await Promise.all([
    import('../../inputs/candidate.ts'),
    import('../../inputs/read-journal.ts'),
    import('../../../review/replay/replayer.ts'),
    import('../../../domain/policy/history/replay-tally.ts'),
    import('../../reports/replay.ts'),
  ]);
  const { policies, snapshot } = await loadCandidate(candidateOf(options));
  const replayer = new Replayer(policies, snapshot);
  const tally = new ReplayTally();
  const fromMs = momentOf(options.since, clock.nowMs());
  let [decisions, leftOut] = [0, 0];
  const query = { sinceMs: fromMs - WARM_UP_MS };
  await readJournal({ file, query, progress: options.progress === true }, invocation, (record) => {
    if (record.timeMs < fromMs) {
      replayer.observe(record);
      return;
    }
    decisions += 1;
    const replayed = replayer.replay(record);
    if (replayed === undefined) leftOut += 1;
    else tally.add(replayed);
  });
  const result = tally.result();
  endWith(result.counts.newlyRefused > 0 ? EXIT.findings : EXIT.ok);
  const facts = { result, decisions, leftOut, revision: policies.revision, bundle: policies.bundleName };
  printReport(replayReport(facts, terminal), options.output, terminal);
}

function candidateOf(options: ReplayOptions) {
  const { bundle, with: local, cluster: manifests } = options;
  return {
    bundle,
    policies: local,
    cluster: clusterFactsOf(options),
    ...(manifests !== undefined && { manifests }),
  };
}
