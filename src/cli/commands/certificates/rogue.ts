// `capstan rogue`: every CA that should not be there, in files. It changes nothing and opens no private key.
import type { Command } from 'commander';
import type { Invocation } from '../../invocation.ts';
import { exitOf, printReport, reportOption, type ReportFormat } from '../../reports/report.ts';

interface RogueOptions {
  readonly root: readonly string[];
  readonly known?: readonly string[];
  readonly all?: true;
  readonly strict?: true;
  readonly progress?: true;
  readonly output: ReportFormat;
}

const EXAMPLES = `
Examples:
  $ capstan rogue --root corporate-root.pem /etc/istio ~/.kube/config
  $ capstan rogue --root corporate-root.pem --known cluster-ca.pem --output json manifests

What does not lead to a certificate of --root is found: CAs, certificates that signed themselves, and certificates of CAs
that are not there. PEM, DER and either in base64 are read, in any file. Ends with exit code 1 when something is found
that is still valid, and 2 when it could not look; with --strict also with 1 when there was something it could not read.`;

export function registerRogue(program: Command, invocation: Invocation): void {
  program
    .command('rogue')
    .description('find every CA that does not lead to the corporate anchors, and say how it comes home')
    .argument('<path...>', 'files, and directories with all that is in them')
    .requiredOption('--root <file>', 'PEM corporate trust anchors; may be said again', another)
    .option('--known <file>', 'PEM certificates that may be there, and what they signed; may be said again', another)
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
  const { root, known = [], all = false, strict = false, progress = false, output } = options;
  const [{ readTrust }, { lookInFiles }, { Gathered }, { judgeRogues }, { rogueReport }] = await Promise.all([
    import('../../inputs/estate/read-trust.ts'),
    import('../../inputs/estate/look-in-files.ts'),
    import('../../../review/rogue/gathered.ts'),
    import('../../../review/rogue/judge-rogues.ts'),
    import('../../reports/certificates/rogue.ts'),
  ]);
  const trust = await readTrust(root, known);
  const gathered = new Gathered();
  const files = await lookInFiles({ paths, progress }, gathered, invocation);
  const { formatQuantity } = await import('../../../domain/text/format-count.ts');
  const nowMs = clock.nowMs();
  const report = judgeRogues(gathered, trust, nowMs);
  const shown = rogueReport({ report, lookedThrough: [formatQuantity(files, 'file')], all, nowMs }, terminal);
  endWith(
    exitOf(
      shown.cases.flatMap(({ findings }) => findings),
      { strict },
    ),
  );
  printReport(shown, output, terminal);
}
