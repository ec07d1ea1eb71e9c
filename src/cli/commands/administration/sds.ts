// `capstan sds status`: what a running server knows of the proxies that it serves, over its administration socket.
import type { Command } from 'commander';
import { SDS_STATUS, type SdsStatus } from '../../../adapters/http/admin/administer-sds.ts';
import { askServer, serverOptions, serverOf, type ServerOptions } from '../../administration.ts';
import { outputOption, type Invocation, type OutputFormat } from '../../invocation.ts';
import { formatQuantity } from '../../../domain/text/format-count.ts';
import { formatTime } from '../../../domain/text/format-time.ts';

interface StatusOptions extends ServerOptions {
  readonly output: OutputFormat;
}

const EXAMPLES = `
Examples:
  $ capstan sds status --config capstan.yaml
  $ capstan sds status --output json`;

export function registerSds(program: Command, invocation: Invocation): void {
  const status = program
    .command('sds')
    .description('ask a running server about the proxies that it serves')
    .command('status')
    .description('list secrets that proxies rejected, until they accept a replacement');
  serverOptions(status)
    .addOption(outputOption())
    .addHelpText('after', EXAMPLES)
    .action(async (options: StatusOptions) => printStatus(options, invocation));
}

async function printStatus(options: StatusOptions, invocation: Invocation): Promise<void> {
  const { terminal, signal } = invocation;
  const server = await serverOf(options, invocation);
  if (server === undefined) return;
  const status = (await askServer(server, { method: 'GET', path: SDS_STATUS }, signal)) as SdsStatus;
  if (options.output === 'json') {
    terminal.printJson({ streams: status.streams, rejections: status.rejections.map(withTime) });
    return;
  }
  const { length } = status.rejections;
  terminal.print(
    `${formatQuantity(status.streams, 'stream')} open, ${formatQuantity(length, 'rejection')} without an accepted replacement.`,
  );
  if (length > 0) terminal.printTable([HEAD, ...status.rejections.flatMap(rowsOf)]);
}

type Rejection = SdsStatus['rejections'][number];

const HEAD = ['TIME', 'WORKLOAD', 'POD', 'NODE ID', 'FROM', 'SECRET', 'SERIAL OR DIGEST', 'PROXY SAYS'];

function rowsOf(rejection: Rejection): readonly (readonly string[])[] {
  const { rejectedAtMs, caller, podName = '-', nodeId, remoteAddress, connected, secrets, message } = rejection;
  const from = connected ? remoteAddress : `${remoteAddress} (gone)`;
  return secrets.map(({ name, serial, digest }) => [
    formatTime(rejectedAtMs),
    caller,
    podName,
    onOneLine(nodeId === '' ? '-' : nodeId),
    from,
    onOneLine(name),
    serial ?? digest ?? '-',
    onOneLine(message),
  ]);
}

/** A proxy's own words must not make rows. */
function onOneLine(text: string): string {
  return text.replaceAll(/\s+/g, ' ').trim();
}

function withTime({ rejectedAtMs, ...rest }: Rejection): Readonly<Record<string, unknown>> {
  return { time: new Date(rejectedAtMs).toISOString(), ...rest };
}
