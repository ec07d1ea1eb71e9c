// `capstan rogue`: every CA that should not be there, in files and in a cluster. It changes nothing and opens no private key.
import type { Command } from 'commander';
import type { Gathered } from '../../../review/rogue/gathered.ts';
import type { RogueReport } from '../../../review/rogue/judge-rogues.ts';
import type { Trust } from '../../../review/rogue/trust.ts';
import type { LookedInCluster } from '../../../app/estate/look-through.ts';
import type { Invocation } from '../../invocation.ts';
import { Progress } from '../../progress.ts';
import { exitOf, printReport, reportOption, type ReportFormat } from '../../reports/report.ts';

interface RogueOptions {
  readonly root: readonly string[];
  readonly known?: readonly string[];
  readonly kubeconfig?: string;
  readonly context?: string;
  readonly namespace?: readonly string[];
  readonly all?: true;
  readonly strict?: true;
  readonly progress?: true;
  readonly output: ReportFormat;
}

/** Of a certificate about so many are checked: its own, and that of the CA above it. */
const SIGNATURES_EACH = 2;

const EXAMPLES = `
Examples:
  $ capstan rogue --root corporate-root.pem /etc/istio ~/.kube/config
  $ capstan rogue --root corporate-root.pem --known cluster-ca.pem --output json manifests
  $ capstan rogue --root corporate-root.pem --kubeconfig ~/.kube/config

Without a path, and with --kubeconfig, it looks in a cluster: that of --kubeconfig, else of the pod that this runs in, else
of KUBECONFIG or ~/.kube/config. It looks where the account may, and says where it may not.

What does not lead to a certificate of --root is found: CAs, certificates that signed themselves, and certificates of CAs
that are not there. PEM, DER and either in base64 are read, in any file. Ends with exit code 1 when something is found
that is still valid, and 2 when it could not look; with --strict also with 1 when there was something it could not read.`;

export function registerRogue(program: Command, invocation: Invocation): void {
  program
    .command('rogue')
    .description('find every CA that does not lead to the corporate anchors, and say how it comes home')
    .argument('[path...]', 'files, and directories with all that is in them')
    .requiredOption('--root <file>', 'PEM corporate trust anchors; may be said again', another)
    .option('--known <file>', 'PEM certificates that may be there, and what they signed; may be said again', another)
    .option('--kubeconfig <file>', 'how to reach the API server of the cluster to look in')
    .option('--context <name>', 'context of the kubeconfig')
    .option(
      '--namespace <name>',
      'look in this namespace alone, and at what is of no namespace; may be said again',
      another,
    )
    .option('--all', 'list what may be there as well')
    .option('--strict', 'end with exit code 1 also for what could not be read')
    .option('--progress', 'show progress also where there is no terminal')
    .addOption(reportOption())
    .addHelpText('after', EXAMPLES)
    .action((paths: readonly string[], options: RogueOptions) => rogue(paths, options, invocation));
}

function another(named: string, others: readonly string[] | undefined): readonly string[] {
  return [...(others ?? []), named];
}

async function rogue(paths: readonly string[], options: RogueOptions, invocation: Invocation): Promise<void> {
  const { terminal, clock, endWith } = invocation;
  const { root, known = [], all = false, strict = false, output } = options;
  const [{ readTrust }, { Gathered }, { rogueReport }] = await Promise.all([
    import('../../inputs/estate/read-trust.ts'),
    import('../../../review/rogue/gathered.ts'),
    import('../../reports/certificates/rogue.ts'),
  ]);
  const trust = await readTrust(root, known);
  const gathered = new Gathered({ paths });
  const looked = await look(paths, options, gathered, invocation);
  const nowMs = clock.nowMs();
  const others = [
    ...trust.others,
    ...looked.clusterCas.map((certificate) => ({ certificate, as: 'cluster' as const })),
  ];
  const report = await judged(gathered, { ...trust, others }, { nowMs, lines: options.progress === true }, invocation);
  const { issuers, through } = looked;
  const shown = rogueReport({ report, issuers, lookedThrough: through, all, nowMs }, terminal);
  endWith(
    exitOf(
      shown.cases.flatMap(({ findings }) => findings),
      { strict },
    ),
  );
  printReport(shown, output, terminal);
}

async function judged(
  gathered: Gathered,
  trust: Trust,
  { nowMs, lines }: { readonly nowMs: number; readonly lines: boolean },
  { terminal, clock, signal }: Invocation,
): Promise<RogueReport> {
  const { judgeRogues } = await import('../../../review/rogue/judge-rogues.ts');
  const total = SIGNATURES_EACH * gathered.certificates.length;
  const progress = new Progress({ terminal, clock }, { what: 'signatures', total, lines });
  try {
    return await judgeRogues(gathered, trust, { nowMs, signal, progress: (checked) => progress.reach(checked) });
  } finally {
    progress.end();
  }
}

interface Looked extends Pick<LookedInCluster, 'issuers' | 'clusterCas'> {
  /** What it looked through, in words. */
  readonly through: readonly string[];
}

async function look(
  paths: readonly string[],
  { progress: lines, kubeconfig, context, namespace }: RogueOptions,
  gathered: Gathered,
  invocation: Invocation,
): Promise<Looked> {
  const { formatQuantity } = await import('../../../domain/text/format-count.ts');
  const progress = lines === true;
  const through: string[] = [];
  if (paths.length > 0) {
    const { lookInPaths } = await import('../../inputs/estate/look-in-paths.ts');
    through.push(formatQuantity(await lookInPaths({ paths, progress }, gathered, invocation), 'file'));
  }
  if (paths.length > 0 && kubeconfig === undefined) return { issuers: [], clusterCas: [], through };
  const { lookInCluster } = await import('../../inputs/estate/look-in-cluster.ts');
  const found = await lookInCluster(
    {
      progress,
      ...(kubeconfig !== undefined && { kubeconfig }),
      ...(context !== undefined && { context }),
      ...(namespace !== undefined && { namespaces: namespace }),
    },
    gathered,
    invocation,
  );
  through.push(formatQuantity(found.objects, 'object'));
  return { ...found, through };
}
