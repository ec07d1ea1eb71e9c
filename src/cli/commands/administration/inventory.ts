// `capstan inventory`: who has a certificate, as a running server knows it, page by page. It imports much because what policy says of
// them is asked here too.
import { Option, type Command } from 'commander';
import { INVENTORY, type InventoryAnswer } from '../../../adapters/http/admin/administer-inventory.ts';
import { POLICIES } from '../../../adapters/http/admin/administer-overview.ts';
import type { PolicyInForce } from '../../../adapters/http/observation/routes.ts';
import type { InventoryRow } from '../../../authority/inventory/inventory-overview.ts';
import { SystemClock } from '../../../adapters/clock/system-clock.ts';
import { INVENTORY_STATES, type InventoryState } from '../../../domain/inventory/entry.ts';
import { isUid } from '../../../domain/text/uid.ts';
import { MAX_PAGE } from '../../../ports/inventory/inventory.ts';
import { askServer, serverOf, serverOptions, type ServerOptions, type ServerPlace } from '../../administration.ts';
import { CommandError, EXIT } from '../../exit-codes.ts';
import type { Invocation } from '../../invocation.ts';
import { refuseOptionsBefore } from '../../options/before-subcommand.ts';
import { countOption, durationOption } from '../../options/option-values.ts';
import { printRefusedToday } from '../../reports/server/refused-today.ts';
import { printInventory, type InventoryFormat } from '../../reports/server/inventory.ts';
import { registerCoverage } from './coverage.ts';

interface InventoryOptions extends ServerOptions {
  readonly identity?: string;
  readonly serial?: string;
  readonly pod?: string;
  readonly node?: string;
  readonly namespace?: string;
  readonly issuer?: string;
  readonly anchor?: string;
  readonly cluster?: string;
  readonly policy?: string;
  readonly state?: InventoryState;
  readonly overdue?: true;
  readonly refusedToday?: true;
  readonly expiresWithin?: number;
  readonly limit: number;
  readonly cursor?: string;
  readonly output: InventoryFormat;
}

/** The server has judged them all, and is asked for no others. */
const NOT_WITH_REFUSED = [
  'identity',
  'serial',
  'pod',
  'node',
  'namespace',
  'issuer',
  'anchor',
  'cluster',
  'policy',
  'state',
  'overdue',
  'expiresWithin',
  'cursor',
];
const DEFAULT_LIMIT = 100;
/** The server answers so many requests at once, and then about two in a second (operator-rates.ts). */
const ASKED_AT_ONCE = 50;
const PACE_MS = 600;

const EXAMPLES = `
Examples:
  $ capstan inventory --namespace shop
  $ capstan inventory --overdue
  $ capstan inventory --serial 5271eeb9188d22206b9e7f1dc9ffc29f --output json
  $ capstan inventory --refused-today
  $ capstan inventory --expires-within 1h --issuer default --output csv
  $ capstan inventory coverage --gap`;

export function registerInventory(program: Command, invocation: Invocation): void {
  const inventory = serverOptions(program.command('inventory'));
  inventory
    .enablePositionalOptions()
    .description('ask a running server who has a certificate')
    .option('--identity <spiffe id>', 'of this identity, what has ended too')
    .option('--serial <hex>', 'who has, or had, the certificate with this serial number, of which every digit is said')
    .option('--pod <name or uid>', 'of pods of this name, or of the one with this UID, what has ended too')
    .option('--node <name>', 'of this node')
    .option('--namespace <name>', 'of this namespace')
    .option('--issuer <id or name>', 'signed by this issuer')
    .option('--anchor <sha256>', 'below this trust anchor')
    .option('--cluster <id>', 'of this cluster')
    .option('--policy <digest>', 'decided by this revision of the policies')
    .addOption(
      new Option('--state <state>', 'in this state; absent, all that have not ended').choices(INVENTORY_STATES),
    )
    .addOption(new Option('--overdue', 'as --state overdue').conflicts('state'))
    .addOption(
      new Option(
        '--refused-today',
        'whose certificate the policies in force would refuse to a newcomer: the first of them, with what would pass',
      ).conflicts(NOT_WITH_REFUSED),
    )
    .option(
      '--expires-within <duration>',
      'whose certificate ends within this time, first those that end first',
      durationOption,
    )
    .option('--limit <count>', 'most that are listed', countOption, DEFAULT_LIMIT)
    .option('--cursor <cursor>', 'where a former list of the same conditions stopped')
    .addOption(new Option('--output <format>', 'how to print it').choices(['table', 'json', 'csv']).default('table'))
    .addHelpText('after', EXAMPLES)
    // `inventory --namespace shop coverage` would be of all namespaces.
    .hook('preSubcommand', refuseOptionsBefore)
    .action(async (options: InventoryOptions) => list(options, invocation));
  registerCoverage(inventory, invocation);
}

async function list(options: InventoryOptions, invocation: Invocation): Promise<void> {
  const server = await serverOf(options, invocation);
  if (server === undefined) return;
  const { limit, output } = options;
  if (options.refusedToday === true) return refusedToday(server, output, invocation);
  const rows: InventoryRow[] = [];
  const given = conditionsOf(options, invocation.clock.nowMs());
  let answer: InventoryAnswer | undefined;
  let cursor = options.cursor;
  for (let asked = 0; answer === undefined || (cursor !== undefined && rows.length < limit); asked += 1) {
    if (asked >= ASKED_AT_ONCE) await new SystemClock().sleep(PACE_MS, { signal: invocation.signal });
    const page = {
      ...given,
      limit: String(Math.min(limit - rows.length, MAX_PAGE)),
      ...(cursor !== undefined && { cursor }),
    };
    const path = `${INVENTORY}?${new URLSearchParams(page).toString()}`;
    answer = (await askServer(server, { method: 'GET', path }, invocation.signal)) as InventoryAnswer;
    rows.push(...answer.rows);
    ({ cursor } = answer);
  }
  const { nowMs, asOfMs } = answer;
  printInventory(
    { nowMs, rows, ...(asOfMs !== undefined && { asOfMs }), ...(cursor !== undefined && { cursor }) },
    output,
    invocation,
  );
}

async function refusedToday(server: ServerPlace, output: InventoryFormat, invocation: Invocation): Promise<void> {
  const answer = await askServer(server, { method: 'GET', path: POLICIES }, invocation.signal);
  const { inForce } = answer as { readonly inForce?: PolicyInForce };
  if (inForce?.certificates === undefined) {
    throw new CommandError(
      EXIT.temporary,
      'this server has judged no certificates: it has just started, or another one of the same database does',
    );
  }
  printRefusedToday(inForce.certificates, output, invocation.terminal);
}

function conditionsOf(options: InventoryOptions, nowMs: number): Readonly<Record<string, string>> {
  const { issuer = '', pod = '', expiresWithin, overdue } = options;
  const conditions = {
    identity: options.identity,
    serial: options.serial,
    [isUid(pod) ? 'podUid' : 'podName']: options.pod,
    nodeName: options.node,
    namespace: options.namespace,
    [/^[0-9a-f]{16}$/.test(issuer) ? 'issuer' : 'issuerName']: options.issuer,
    trustAnchor: options.anchor,
    cluster: options.cluster,
    policyRevision: options.policy,
    state: overdue === true ? 'overdue' : options.state,
    endsBeforeMs: expiresWithin === undefined ? undefined : String(nowMs + expiresWithin),
  };
  return Object.fromEntries(
    Object.entries(conditions).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]])),
  );
}
