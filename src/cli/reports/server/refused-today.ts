// Live certificates that the policies in force would refuse, for people, programs and spreadsheets.
import type { CertificatesJudged, RefusedToday } from '../../../adapters/http/observation/routes.ts';
import { formatCount, formatQuantity } from '../../../domain/text/format-count.ts';
import { formatTime } from '../../../domain/text/format-time.ts';
import { plainText, shownName } from '../../../domain/text/shown-name.ts';
import type { Terminal } from '../../terminal.ts';
import { csvRow } from '../formats/csv.ts';
import type { InventoryFormat } from './inventory.ts';

const COLUMNS = ['identity', 'serial', 'notAfter', 'renewal', 'reason', 'where', 'words', 'decision'] as const;

export function printRefusedToday(judged: CertificatesJudged, format: InventoryFormat, terminal: Terminal): void {
  const { listed = [], asOfMs, ...numbers } = judged;
  if (format === 'json') {
    terminal.printJson({ asOf: new Date(asOfMs).toISOString(), ...numbers, entries: listed.map(withTime) });
    return;
  }
  const hidden = judged.refused - listed.length;
  if (format === 'csv') {
    for (const cells of [COLUMNS, ...listed.map(csvCells)]) terminal.print(csvRow(cells.map(plainText)));
    if (hidden > 0) terminal.complain(`there are ${formatCount(hidden)} more`);
    return;
  }
  if (listed.length > 0) terminal.printTable([HEAD, ...listed.map(cellsOf)]);
  if (hidden > 0) terminal.print(`and ${formatCount(hidden)} more`);
  terminal.print(sentenceOf(judged));
}

const HEAD = ['IDENTITY', 'SERIAL', 'VALID UNTIL', 'RENEWAL', 'WHY'];

function cellsOf({ identity, serial, notAfterMs, renewable, reason, where, words }: RefusedToday): readonly string[] {
  const why = `${reason} ${plainText(where)}: ${plainText(words)}`;
  return [shownName(identity), serial, formatTime(notAfterMs), renewalOf(renewable), why];
}

function csvCells(row: RefusedToday): readonly string[] {
  const { notAfter, renewable, ...rest } = withTime(row);
  const cells: Readonly<Record<string, string>> = { ...rest, notAfter, renewal: renewalOf(renewable) };
  return COLUMNS.map((column) => cells[column] ?? '');
}

function withTime({ notAfterMs, ...row }: RefusedToday) {
  return { ...row, notAfter: new Date(notAfterMs).toISOString() };
}

/** As `capstan drift` says it. */
function renewalOf(renewable: boolean): string {
  return renewable ? 'waived' : 'refused';
}

function sentenceOf({ live, refused, undecided, leftOut, isComplete, revision, asOfMs }: CertificatesJudged): string {
  const parts = [
    formatQuantity(live, 'live certificate'),
    `policy ${revision} would refuse ${formatCount(refused)}`,
    ...(undecided === 0 ? [] : [`${formatCount(undecided)} depend on what is not known of the cluster now`]),
    ...(leftOut === 0 ? [] : [`${formatCount(leftOut)} left out, because policy was not asked or no trace was kept`]),
  ];
  const begun = `begun ${formatTime(asOfMs)}`;
  return `${parts.join(', ')}; ${begun}${isComplete ? '' : ', and it goes on'}.`;
}
