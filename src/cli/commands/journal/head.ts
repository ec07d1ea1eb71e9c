// `capstan journal head`: the last signed head of a running server's journal, and the key that verifies heads.
import type { Command } from 'commander';
import { AUDIT, HEADS, type AuditStatus } from '../../../adapters/http/admin/records/administer-audit.ts';
import { formatTime } from '../../../domain/text/format-time.ts';
import { asked, serverOptions, type Printed, type Question } from '../../administration.ts';
import { CommandError, EXIT } from '../../exit-codes.ts';
import { outputOption, type Invocation } from '../../invocation.ts';

const EXAMPLE = `
With --accept heads go on from a journal that is not what was signed of it, as after an old copy was brought back.
Who accepts it is on record. /readyz and this command say what differs.

  $ capstan journal head --config capstan.yaml --accept --reason 'restored from the backup of 3 May'`;

interface HeadOptions extends Printed {
  readonly accept?: true;
  readonly reason?: string;
}

export function registerJournalHead(journal: Command, invocation: Invocation): void {
  serverOptions(journal.command('head'))
    .description('show the last signed head, for `--expect-head`, and the public key of heads')
    .option('--accept', 'sign heads of the journal as it is now, although it is not what was signed')
    .option('--reason <text>', 'why, for the journal; with --accept')
    .addOption(outputOption())
    .addHelpText('after', EXAMPLE)
    .action(async (options: HeadOptions) => {
      if (options.accept !== true) {
        return asked(options, { method: 'GET', path: AUDIT }, (status) => print(status, invocation), invocation);
      }
      const { reason } = options;
      if (reason === undefined) throw new CommandError(EXIT.usage, "required option '--reason <text>' not specified");
      const question: Question = { method: 'POST', path: HEADS, body: { reason } };
      const done = ({ accepted }: { readonly accepted: string }): void =>
        invocation.terminal.print(`Accepted: ${accepted}. The next head names what is there now.`);
      return asked(options, question, done, invocation);
    });
}

function print({ head, publicKey, problem }: AuditStatus, { terminal }: Invocation): void {
  terminal.print(head === undefined ? 'No head was signed.' : `${head.digest} of ${formatTime(head.timeMs)}`);
  if (problem !== undefined) terminal.print(problem);
  terminal.print(publicKey ?? 'No key of heads is configured (`audit`).');
}
