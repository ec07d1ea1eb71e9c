// `capstan crl`: the revocation lists that a running server has, and those of the CAs above it, which operators bring. `import` works on
// the file that the configuration names, on the server's machine, as `issuer import` does; the others ask the server.
import { Option, type Command } from 'commander';
import { CRLS } from '../../../adapters/http/admin/administer-crls.ts';
import type { CrlImport } from '../../../app/compose/administration/crl-import.ts';
import type { CrlDetails, CrlOverview, CrlRow } from '../../../authority/revocation/crl-overview.ts';
import { formatTime } from '../../../domain/text/format-time.ts';
import { MAX_CRL_BYTES, readCrl, type Crl } from '../../../domain/x509/crl/read-crl.ts';
import { asked, askServer, serverOf, serverOptions, type Printed, type ServerPlace } from '../../administration.ts';
import { complainOfConfig } from '../../complaints.ts';
import { CommandError, EXIT } from '../../exit-codes.ts';
import { readInputBytes, writeTogether, type OutputFile } from '../../inputs/files.ts';
import { outputOption, type Invocation } from '../../invocation.ts';
import { loadNamedConfig, type ConfigOptions } from '../../options/config-options.ts';
import { printCrl, printCrls } from '../../reports/server/crls.ts';

interface ExportOptions extends Printed {
  readonly out: string;
  readonly format: 'pem' | 'der';
}

interface ImportOptions extends ConfigOptions {
  readonly crl: string;
}

const EXAMPLES = `
Examples:
  $ capstan crl list --config capstan.yaml
  $ capstan crl show 0123456789abcdef
  $ capstan crl export --out lists
  $ capstan crl import --config capstan.yaml --crl root.crl`;

export function registerCrl(program: Command, invocation: Invocation): void {
  const crl = program
    .command('crl')
    .description('ask a running server about its revocation lists (CRLs); import those of the CAs above it')
    .addHelpText('after', EXAMPLES);
  served(crl.command('list'))
    .description('lists them, and whether peers are given them')
    .action(async (options: Printed) =>
      asked(
        options,
        { method: 'GET', path: CRLS },
        (overview: CrlOverview) => printCrls(overview, invocation),
        invocation,
      ),
    );
  served(crl.command('show <ca>'))
    .description('shows the list of a CA, with the numbers of the certificates that it revokes')
    .action(async (ca: string, options: Printed) => show(ca, options, invocation));
  served(crl.command('export [ca]'))
    .description('writes the list of a CA, or of each, as files')
    .requiredOption('--out <folder>', 'where to; a file there is replaced')
    .addOption(new Option('--format <format>', 'of the files').choices(['pem', 'der']).default('pem'))
    .action(async (ca: string | undefined, options: ExportOptions) => exportLists(ca, options, invocation));
  crl
    .command('import')
    .description('judges lists of the CAs above the issuers, and puts them into trustAnchors.crlFile')
    .requiredOption('--crl <file>', 'one list as DER, or one or several as PEM')
    .option('--config <file>', 'configuration of the server; the environment is read with it')
    .addOption(outputOption())
    .action(async (options: ImportOptions) => importLists(options, invocation));
}

async function show(ca: string, options: Printed, invocation: Invocation): Promise<void> {
  const server = await serverOf(options, invocation);
  if (server === undefined) return;
  const { row, crl } = await fetched(server, ca, invocation.signal);
  const serials = [...crl.serials];
  if (options.output === 'json') invocation.terminal.printJson({ ...row, serials });
  else printCrl(row, serials, invocation);
}

async function exportLists(ca: string | undefined, options: ExportOptions, invocation: Invocation): Promise<void> {
  const { terminal, signal } = invocation;
  const server = await serverOf(options, invocation);
  if (server === undefined) return;
  const names = ca === undefined ? await allOf(server, signal) : [ca];
  const files: (OutputFile & { readonly of: string | undefined })[] = [];
  for (const wanted of names) {
    const { row, crl } = await fetched(server, wanted, signal);
    const data = options.format === 'pem' ? crl.pem : crl.der;
    const stem = row.id === undefined || files.some(({ of }) => of === row.id) ? row.sha256.slice(0, 16) : row.id;
    const name = `${stem}.crl${options.format === 'pem' ? '.pem' : ''}`;
    files.push({ of: row.id, name, text: data, mode: 0o644 });
  }
  await writeTogether(options.out, files);
  if (options.output === 'json') terminal.printJson(files.map(({ name }) => name));
  else for (const { name } of files) terminal.print(`${options.out}/${name}`);
}

/** By their digests, for a CA may have several lists in a file, and one of nobody here has no other name. */
async function allOf(server: ServerPlace, signal: AbortSignal): Promise<readonly string[]> {
  const { lists } = (await askServer(server, { method: 'GET', path: CRLS }, signal)) as CrlOverview;
  if (lists.length === 0) throw new CommandError(EXIT.unavailable, 'the server has no revocation list');
  return lists.map(({ sha256 }) => sha256);
}

async function fetched(
  server: ServerPlace,
  name: string,
  signal: AbortSignal,
): Promise<{ readonly row: CrlRow; readonly crl: Crl }> {
  const question = { method: 'GET', path: `${CRLS}/${encodeURIComponent(name)}` } as const;
  const { row, der } = (await askServer(server, question, signal)) as CrlDetails;
  const crl = readCrl(Buffer.from(der, 'base64'));
  if ('problem' in crl) throw new CommandError(EXIT.data, `what the server answered ${crl.problem}`);
  return { row, crl };
}

async function importLists(options: ImportOptions, invocation: Invocation): Promise<void> {
  const { terminal, clock } = invocation;
  const loaded = loadNamedConfig(options, invocation);
  if ('problems' in loaded) {
    invocation.endWith(complainOfConfig(loaded.problems, terminal));
    return;
  }
  // As PEM it is a third larger.
  const given = await readInputBytes(options.crl, { maxBytes: 2 * MAX_CRL_BYTES });
  const { importCrls } = await import('../../../app/compose/administration/crl-import.ts');
  printImport(await importCrls(loaded.config, given, clock), options, invocation);
}

function printImport({ file, lists }: CrlImport, options: ImportOptions, { terminal }: Invocation): void {
  if (options.output === 'json') {
    const rows = lists.map(({ crl, by, unchanged }) => ({
      ca: by.sha256.slice(0, 16),
      subject: by.subject,
      thisUpdate: new Date(crl.thisUpdateMs).toISOString(),
      nextUpdate: new Date(crl.nextUpdateMs).toISOString(),
      revoked: crl.serials.size,
      sha256: crl.sha256,
      unchanged,
    }));
    terminal.printJson({ file, lists: rows });
    return;
  }
  for (const { crl, by, unchanged } of lists) {
    const what = `the list of ${by.subject}, until ${formatTime(crl.nextUpdateMs)}, ${crl.serials.size} revoked`;
    terminal.print(
      unchanged ? `${file} has it already: ${what}` : `${file} has ${what}; a running server reads it within moments`,
    );
  }
}

function served(command: Command): Command {
  return serverOptions(command).addOption(outputOption());
}
