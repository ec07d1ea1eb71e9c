// `capstan backup`: what a server keeps, in one file, also while it is running.
import type { Command } from 'commander';
import { formatQuantity } from '../../../domain/text/format-count.ts';
import type { Invocation } from '../../invocation.ts';
import { addJournalOptions, type JournalChoice } from '../../options/journal-options.ts';

interface BackupOptions extends JournalChoice {
  readonly to: string;
  readonly progress?: true;
}

const DETAILS = `
Examples:
  $ capstan backup --config capstan.yaml --to capstan.backup
  $ capstan restore --config capstan.yaml --from capstan.backup

The file holds decisions, operations, issuers, what is decided about issuers and trust anchors, bans, and the rollback
state of policy bundles, which --config alone knows of; no key. It is a journal that can be listed, and can be restored into a store of either kind. A file that is there is
never overwritten. A backup that is killed leaves a file whose name ends in .part beside it, of no use.`;

export function registerBackup(program: Command, invocation: Invocation): void {
  const command = program
    .command('backup')
    .description('copy what a server keeps into one file')
    .requiredOption('--to <file>', 'the file that is made');
  addJournalOptions(command)
    .addHelpText('after', DETAILS)
    .action((options: BackupOptions) => backup(options, invocation));
}

async function backup(options: BackupOptions, invocation: Invocation): Promise<void> {
  const { terminal, clock, signal } = invocation;
  const [{ bundleStateOf, copyingProgress, keptBy, storeToCopy }, { backUp }] = await Promise.all([
    import('../../inputs/journal/copied-stores.ts'),
    import('../../../adapters/storage/backup/copying.ts'),
  ]);
  const kept = keptBy(options, invocation);
  if (kept === undefined) return;
  await using store = await storeToCopy(kept.journal, { signal });
  await using bundleState = await bundleStateOf(kept);
  using progress = copyingProgress(invocation, options.progress === true);
  const copying = { file: options.to, bundleState, reach: progress.reach };
  const copied = await backUp(store, copying, { nowMs: clock.nowMs(), signal });
  const what = [
    formatQuantity(copied.decisions, 'decision'),
    formatQuantity(copied.closings, 'closing'),
    formatQuantity(copied.operations, 'operation'),
    formatQuantity(copied.issuers, 'issuer'),
    formatQuantity(copied.bans, 'ban'),
  ];
  terminal.print(`${options.to}: ${what.join(', ')}; ${formatState(copied.bundleState)}`);
}

function formatState(state: { readonly name: string; readonly sequence: number } | undefined): string {
  return state === undefined
    ? 'without a rollback state of policy bundles'
    : `policy bundles before ${state.name}@${state.sequence} stay refused`;
}
