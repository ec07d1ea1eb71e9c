// `capstan restore`: adds to a store what a backup has and it lacks, while no server has it.
import type { Command } from 'commander';
import { formatQuantity } from '../../../domain/text/format-count.ts';
import type { Invocation } from '../../invocation.ts';
import { addJournalOptions, type JournalChoice } from '../../options/journal-options.ts';

interface RestoreOptions extends JournalChoice {
  readonly from: string;
  readonly progress?: true;
}

const DETAILS = `
Example:
  $ capstan restore --config capstan.yaml --from capstan.backup

Stop the servers of the store first. Nothing that the store has is taken away or set back: of the rollback states of
policy bundles the newer counts, of an issuer the longer memory. Whatever is revoked, or an issuer tainted, in either of
them is so afterwards. A restore that was interrupted is done by doing it again. What was issued after the backup and lost is on no record: it lives, and renews with a token only.`;

export function registerRestore(program: Command, invocation: Invocation): void {
  const command = program
    .command('restore')
    .description('add to a store what a backup has and it lacks')
    .requiredOption('--from <file>', 'what capstan backup made');
  addJournalOptions(command)
    .addHelpText('after', DETAILS)
    .action((options: RestoreOptions) => restoreStore(options, invocation));
}

async function restoreStore(options: RestoreOptions, invocation: Invocation): Promise<void> {
  const { terminal, signal } = invocation;
  const [{ bundleStateOf, copyingProgress, keptBy, storeToRestore }, { restore }] = await Promise.all([
    import('../../inputs/journal/copied-stores.ts'),
    import('../../../adapters/storage/backup/copying.ts'),
  ]);
  const kept = keptBy(options, invocation);
  if (kept === undefined) return;
  await using store = await storeToRestore(kept.journal, { signal });
  await using bundleState = await bundleStateOf(kept);
  using progress = copyingProgress(invocation, options.progress === true);
  const copying = { file: options.from, bundleState, trust: kept.trust, reach: progress.reach };
  const { decisions, closings, operations, bans, bundleState: state } = await restore(store, copying, { signal });
  const added = `${formatQuantity(decisions, 'decision')}, ${formatQuantity(closings, 'closing')} and ${formatQuantity(operations, 'operation')} added`;
  const bundles =
    state === undefined
      ? 'no rollback state of policy bundles'
      : `policy bundles from ${state.name}@${state.sequence} on`;
  terminal.print(`${added}; ${bundles}; ${formatQuantity(bans, 'ban')} more`);
}
