// `capstan drift`: whether what runs is still what policy says, and policy what Git says.
import type { Command } from 'commander';
import type { JournalStore } from '../../config/shapes/journal-store.ts';
import type { Config } from '../../config/schema.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import { readConfigForCheck } from '../inputs/read-config.ts';
import type { Invocation } from '../invocation.ts';
import { addClusterOptions, clusterFactsOf, type ClusterOptions } from '../options/cluster-options.ts';
import { journalOption } from '../options/journal-options.ts';
import { exitOf, printReport, reportOption, type ReportFormat } from '../reports/report.ts';
import type { CandidateFiles } from '../inputs/read-candidate.ts';
import type { ObservedServer } from '../inputs/policy-in-force.ts';
import type { DriftSources } from '../inputs/read-drift.ts';

interface DriftOptions extends ClusterOptions {
  readonly config?: string;
  readonly journal?: JournalStore;
  readonly bundle?: string;
  readonly policies?: readonly string[];
  readonly cluster?: string;
  readonly server?: string;
  readonly tokenFile?: string;
  readonly ca?: string;
  readonly git?: readonly string[];
  readonly progress?: true;
  readonly output: ReportFormat;
}

const EXAMPLES = `
Examples:
  $ capstan drift --config capstan.yaml
  $ capstan drift --journal journal.db --bundle bundle.yaml --policies policies --cluster manifests
  $ capstan drift --server https://capstan.istio-system.svc:15018 --token-file token --ca root.pem
  $ capstan drift --server http://127.0.0.1:15014 --git security/bundle.yaml --git policies

With a journal and a bundle, certificates that are still valid are put to the policies; with --git, the policies in
force (those of --server, else the files) are compared with the ones that Git keeps; without --git, a server says what
it found itself (policy.expected). Ends with exit code 1 when there is drift, and 2 when something cannot be read.`;

export function registerDrift(program: Command, invocation: Invocation): void {
  const command = program
    .command('drift')
    .description("find live certificates that today's policy would refuse, and policies that are not those in Git")
    .option('--config <file>', 'configuration whose journal, policies and cluster to read')
    .addOption(journalOption())
    .option('--bundle <file>', 'the policy bundle in force; its signature is not checked')
    .option('--policies <path...>', 'the local policies in force: files, or directories')
    .option('--cluster <folder>', 'Kubernetes manifests of the cluster')
    .option('--server <url>', 'URL of a running server, for the policies that it has in force')
    .option('--token-file <file>', 'file with a bearer token for --server (listen.metrics.tokenFile)')
    .option('--ca <file>', 'PEM file with the trust anchors for --server')
    .option(
      '--git <path>',
      'the bundle, or a folder of policies, that should be in force; may be said again',
      (named: string, others: readonly string[] | undefined) => [...(others ?? []), named],
    );
  addClusterOptions(command)
    .option('--progress', 'show progress also where there is no terminal')
    .addOption(reportOption())
    .addHelpText('after', EXAMPLES)
    .action((options: DriftOptions) => drift(options, invocation));
}

async function drift(options: DriftOptions, invocation: Invocation): Promise<void> {
  const { terminal, endWith } = invocation;
  const sources = sourcesOf(options, invocation);
  const [{ readDrift }, { driftReport }] = await Promise.all([
    import('../inputs/read-drift.ts'),
    import('../reports/drift.ts'),
  ]);
  const report = driftReport(await readDrift(sources, options.progress === true, invocation), terminal);
  endWith(exitOf(report.cases.flatMap(({ findings }) => findings)));
  printReport(report, options.output, terminal);
}

/** Paths that options name come before those of the configuration. */
function sourcesOf(options: DriftOptions, invocation: Invocation): DriftSources {
  const config =
    options.config === undefined
      ? undefined
      : readConfigForCheck(options.config, `${options.config} cannot be used`, invocation);
  const files = filesOf(options, config);
  const journal = options.journal === undefined ? config?.journal : { store: options.journal };
  const { git } = options;
  const server = observedServer(options);
  const compares = server !== undefined || (git !== undefined && files !== undefined);
  if (!compares && (files === undefined || journal === undefined)) {
    throw new CommandError(EXIT.unreadable, 'name --config, or --journal and --bundle, or --server');
  }
  return {
    ...(files !== undefined && { files }),
    ...(journal !== undefined && { journal }),
    ...(server !== undefined && { server }),
    ...(git !== undefined && { git }),
  };
}

function observedServer({ server, tokenFile, ca }: DriftOptions): ObservedServer | undefined {
  if (server === undefined) return undefined;
  return { server, ...(tokenFile !== undefined && { tokenFile }), ...(ca !== undefined && { ca }) };
}

function filesOf(options: DriftOptions, config: Config | undefined): CandidateFiles | undefined {
  const bundle = options.bundle ?? config?.policy.bundle.file;
  if (bundle === undefined && config?.policy.bundle.url !== undefined) {
    throw new CommandError(EXIT.unreadable, 'the bundle is fetched from a URL: name a copy of it with --bundle');
  }
  if (bundle === undefined) return undefined;
  const directory = config?.policy.directory;
  const manifests = options.cluster ?? config?.cluster.manifests;
  return {
    bundle,
    policies: options.policies ?? (directory === undefined ? [] : [directory]),
    cluster: config === undefined ? clusterFactsOf(options) : { id: config.cluster.id, labels: config.cluster.labels },
    ...(manifests !== undefined && { manifests }),
  };
}
