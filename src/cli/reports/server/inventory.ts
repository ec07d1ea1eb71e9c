// Who has a certificate, for people, programs and spreadsheets. Names are what others chose: each is shown so that it can neither hide
// nor turn around what stands beside it.
import type { InventoryAnswer } from '../../../adapters/http/admin/administer-inventory.ts';
import type { InventoryRow } from '../../../authority/inventory/inventory-overview.ts';
import { formatTime } from '../../../domain/text/format-time.ts';
import { shownName, plainText } from '../../../domain/text/shown-name.ts';
import type { Invocation } from '../../invocation.ts';
import { csvRow } from '../formats/csv.ts';

export type InventoryFormat = 'table' | 'json' | 'csv';

export function printInventory(
  answer: InventoryAnswer,
  format: InventoryFormat,
  { terminal }: Pick<Invocation, 'terminal'>,
): void {
  const { rows, asOfMs, nowMs, cursor } = answer;
  if (format === 'json') {
    const asOf = asOfMs === undefined ? {} : { asOf: iso(asOfMs) };
    terminal.printJson({
      time: iso(nowMs),
      ...asOf,
      entries: rows.map(withTimes),
      ...(cursor !== undefined && { cursor }),
    });
    return;
  }
  if (format === 'csv') {
    for (const cells of [CSV_HEAD, ...rows.map(csvCells)]) terminal.print(csvRow(cells.map(plainText)));
    // Whoever reads the table by a program has to know that it is not all.
    if (cursor !== undefined) terminal.complain(`there are more: --cursor ${cursor}`);
    return;
  }
  if (rows.length > 0) terminal.printTable([HEAD, ...rows.map((row) => cellsOf(row).map(shownName))]);
  else terminal.print('Nobody.');
  terminal.print(asOfMs === undefined ? 'The journal is not read yet.' : `As of ${formatTime(asOfMs)}.`);
  if (cursor !== undefined) terminal.print(`There are more: --cursor ${cursor}`);
}

const HEAD = ['IDENTITY', 'STATE', 'CLUSTER', 'POD', 'NODE', 'CLASS', 'ISSUER', 'SERIAL', 'VALID UNTIL', 'RENEWS BY'];

function cellsOf(row: InventoryRow): readonly string[] {
  const { identity, state, cluster, podName = '-', nodeName = '-', issuerName, issuer, serial, end } = row;
  const why = end === undefined ? state : `${state} (${end.reason})`;
  const signed = issuerName ?? (issuer || '-');
  const renews = state === 'ended' || state === 'revoked' ? '-' : formatTime(row.renewalMs);
  return [
    identity,
    why,
    cluster,
    podName,
    nodeName,
    row.class,
    signed,
    serial || '-',
    formatTime(row.notAfterMs),
    renews,
  ];
}

const CSV_COLUMNS = [
  'identity',
  'state',
  'class',
  'cluster',
  'namespace',
  'podName',
  'podUid',
  'nodeName',
  'relay',
  'api',
  'authenticationMethod',
  'issuer',
  'issuerName',
  'trustAnchor',
  'policyRevision',
  'serial',
  'decisionId',
  'bundle',
] as const satisfies readonly (keyof InventoryRow)[];
const CSV_TIMES = ['issued', 'notBefore', 'notAfter', 'renewal', 'overdue'] as const;
const CSV_HEAD: readonly string[] = [
  ...CSV_COLUMNS,
  'acknowledgedBundle',
  ...CSV_TIMES,
  'revoked',
  'ended',
  'endReason',
];

function csvCells(row: InventoryRow): readonly string[] {
  const times = CSV_TIMES.map((name) => iso(row[`${name}Ms`]));
  const { revokedMs, end } = row;
  return [
    ...CSV_COLUMNS.map((name) => row[name] ?? ''),
    row.acknowledged?.digest ?? '',
    ...times,
    revokedMs === undefined ? '' : iso(revokedMs),
    end === undefined ? '' : iso(end.atMs),
    end?.reason ?? '',
  ];
}

/** Times as a person's tools read them, beside nothing else changed. */
function withTimes(row: InventoryRow): Readonly<Record<string, unknown>> {
  const { issuedMs, notBeforeMs, notAfterMs, renewalMs, overdueMs, revokedMs, acknowledged, end, ...rest } = row;
  return {
    ...rest,
    issued: iso(issuedMs),
    notBefore: iso(notBeforeMs),
    notAfter: iso(notAfterMs),
    renewal: iso(renewalMs),
    overdue: iso(overdueMs),
    ...(acknowledged && { acknowledged: { digest: acknowledged.digest, time: iso(acknowledged.timeMs) } }),
    ...(revokedMs !== undefined && { revoked: iso(revokedMs) }),
    ...(end && { end: { reason: end.reason, time: iso(end.atMs) } }),
  };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
