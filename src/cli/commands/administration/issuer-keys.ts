// `capstan issuer keys`: what lies beside the key of an issuer, and the end of what nobody has a certificate for. A deletion asks
// twice: the first call shows the key, and the second one says so with --yes.
import type { Command } from 'commander';
import { ISSUERS } from '../../../adapters/http/admin/administer-issuers.ts';
import type { KeyRow } from '../../../authority/administration/issuer-keys.ts';
import { askServer, serverOf, type ServerOptions, type ServerPlace } from '../../administration.ts';
import { CommandError, EXIT } from '../../exit-codes.ts';
import type { Invocation, OutputFormat } from '../../invocation.ts';

interface KeysOptions extends ServerOptions {
  readonly output: OutputFormat;
  readonly delete?: string;
  readonly reason?: string;
  readonly yes?: boolean;
}

/** @param command with the options that say which server, and how to print. */
export function registerIssuerKeys(command: Command, invocation: Invocation): void {
  command
    .option('--delete <key>', 'deletes this one, of the column KEY, if it is orphaned; needs --reason')
    .option('--reason <text>', 'why, for the journal')
    .option('--yes', 'after the key was shown')
    .action(async (name: string, options: KeysOptions) => {
      const server = await serverOf(options, invocation);
      if (server === undefined) return;
      if (options.delete === undefined) await list(server, name, options, invocation);
      else await remove(server, { ...options, name, key: options.delete }, invocation);
    });
}

async function list(server: ServerPlace, name: string, { output }: KeysOptions, invocation: Invocation): Promise<void> {
  const keys = await keysOf(server, name, invocation);
  if (output === 'json') invocation.terminal.printJson({ keys });
  else printKeys(keys, invocation);
}

async function remove(
  server: ServerPlace,
  { name, key, reason, yes, output }: KeysOptions & { readonly name: string; readonly key: string },
  invocation: Invocation,
): Promise<void> {
  if (reason === undefined) throw new CommandError(EXIT.usage, '--delete needs --reason');
  const { terminal } = invocation;
  if (yes !== true) {
    const found = (await keysOf(server, name, invocation)).filter((one) => one.key === key);
    if (found.length === 0) throw new CommandError(EXIT.data, `issuer ${name} has no key ${key} beside its own`);
    printKeys(found, invocation);
    terminal.print(
      'What is deleted never comes back: a certificate that is still under way for this key could not be used.',
    );
    terminal.print('Nothing was done; to do it, add');
    terminal.print('  --yes');
    invocation.endWith(EXIT.findings);
    return;
  }
  const path = `${pageOf(name)}/${encodeURIComponent(key)}/delete`;
  const gone = (await askServer(server, { method: 'POST', path, body: { reason } }, invocation.signal)) as KeyRow;
  if (output === 'json') terminal.printJson({ deleted: gone });
  else terminal.print(`Key ${key} (${gone.label} ${gone.id}) is deleted.`);
}

async function keysOf(server: ServerPlace, name: string, { signal }: Invocation): Promise<readonly KeyRow[]> {
  const answer = await askServer(server, { method: 'GET', path: pageOf(name) }, signal);
  return (answer as { readonly keys: readonly KeyRow[] }).keys;
}

function printKeys(keys: readonly KeyRow[], { terminal }: Invocation): void {
  terminal.printTable([
    ['KEY', 'USE', 'ID', 'LABEL'],
    ...keys.map(({ key = '-', use, id, label }) => [key, use, id === '' ? '-' : id, label === '' ? '-' : label]),
  ]);
}

function pageOf(name: string): string {
  return `${ISSUERS}/${encodeURIComponent(name)}/keys`;
}
