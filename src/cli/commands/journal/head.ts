// `capstan journal head`: the last signed head of a running server's journal, and the key that verifies heads.
import type { Command } from 'commander';
import { AUDIT, type AuditStatus } from '../../../adapters/http/admin/records/administer-audit.ts';
import { formatTime } from '../../../domain/text/format-time.ts';
import { asked, serverOptions, type Printed } from '../../administration.ts';
import { outputOption, type Invocation } from '../../invocation.ts';

export function registerJournalHead(journal: Command, invocation: Invocation): void {
  serverOptions(journal.command('head'))
    .description('show the last signed head, for `--expect-head`, and the public key of heads')
    .addOption(outputOption())
    .action((options: Printed) =>
      asked(options, { method: 'GET', path: AUDIT }, (status) => print(status, invocation), invocation),
    );
}

function print({ head, publicKey }: AuditStatus, { terminal }: Invocation): void {
  terminal.print(head === undefined ? 'No head was signed.' : `${head.digest} of ${formatTime(head.timeMs)}`);
  terminal.print(publicKey ?? 'No key of heads is configured (`audit`).');
}
