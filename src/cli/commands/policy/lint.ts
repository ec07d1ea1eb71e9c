// `capstan policy lint`: what is wrong with policies before anybody is judged by them.
import type { Command } from 'commander';
import type { PolicyBundle } from '../../../domain/policy/documents.ts';
import type { Problem } from '../../../domain/text/position.ts';
import { CommandError, EXIT } from '../../exit-codes.ts';
import type { Invocation } from '../../invocation.ts';
import { addClusterOptions, bundleIn, clusterFactsOf, type ClusterOptions } from '../../options/cluster-options.ts';
import {
  exitOf,
  printReport,
  reportOption,
  type Finding,
  type Report,
  type ReportFormat,
} from '../../reports/report.ts';
import type { BundleDocument, ReadDocuments } from '../../inputs/read-documents.ts';
import type { Terminal } from '../../terminal.ts';

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
  const { isBundle, readBundle, readDocuments } = await import('../../inputs/read-documents.ts');
  const { lintFindings } = await import('../../../review/lint/lint.ts');
  const read = await readDocuments(paths);
  if (read.documents.length + read.problems.length === 0) {
    throw new CommandError(EXIT.unreadable, `there is no policy document in ${paths.join(' ')}`);
  }
  const named = options.bundle === undefined ? { problems: [] } : await readBundle(options.bundle);
  const [only, another] = read.documents.filter(isBundle);
  const bundle = options.bundle === undefined && another === undefined ? only : named.bundle;
  const findings = lintFindings({
    documents: read.documents,
    problems: [...named.problems, ...read.problems, ...(await together(read, bundle, options))],
    ...(bundle !== undefined && { bundle: narrowed(bundle.document, options, command) }),
    nowMs: clock.nowMs(),
  });
  endWith(exitOf(findings, options));
  const places = [...new Set([...read.places, ...findings.flatMap(({ position }) => position?.place ?? [])])];
  printReport(await reportOf(places, read.documents.length, findings, terminal), options.output, terminal);
}

/** What is wrong with policies only when they stand beside one another, by the server's own rules. */
async function together(
  { documents }: ReadDocuments,
  bundle: BundleDocument | undefined,
  options: LintOptions,
): Promise<readonly Problem[]> {
  if (bundle === undefined) return [];
  const { assemble } = await import('../../../adapters/policy/source/assemble-policies.ts');
  const locals = documents
    .filter(({ document }) => document.kind !== 'PolicyBundle')
    .map(({ file, ...written }) =>
      options.bundle === undefined || file === undefined ? written : { ...written, file },
    );
  const cluster = clusterFactsOf(options);
  const set = assemble({ bundle: bundle.document, bundleDigest: bundle.digest, documents: locals, cluster });
  return 'problems' in set ? set.problems : [];
}

/** Without a word about the cluster, rules for all clusters count. */
function narrowed(bundle: PolicyBundle, options: LintOptions, command: Command): PolicyBundle {
  const said = ['clusterId', 'clusterLabel'].some((name) => command.getOptionValueSource(name) === 'cli');
  return said ? bundleIn(bundle, clusterFactsOf(options)) : bundle;
}

async function reportOf(
  places: readonly string[],
  documents: number,
  findings: readonly Finding[],
  terminal: Terminal,
): Promise<Report> {
  const { formatCount, printFindings } = await import('../../reports/formats/text.ts');
  return {
    tool: 'policy lint',
    cases: places.map((place) => ({
      name: place,
      findings: findings.filter(({ position }) => position?.place === place),
    })),
    json: { files: places, documents, findings },
    text: () => {
      printFindings(findings, terminal);
      terminal.print(
        `${counted(documents, 'document')} in ${counted(places.length, 'file')}: ${formatCount(findings)}`,
      );
    },
  };
}

function counted(count: number, what: string): string {
  return `${count} ${what}${count === 1 ? '' : 's'}`;
}
