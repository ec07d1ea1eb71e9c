// Live certificates that the policies in force would refuse, for people, programs and spreadsheets.
import type {
  CertificateCounts,
  CertificatesJudged,
  JudgedAhead,
  RefusedToday,
} from '../../../adapters/http/observation/routes.ts';
import { formatCount, formatQuantity } from '../../../domain/text/format-count.ts';
import { formatTime } from '../../../domain/text/format-time.ts';
import { plainText, shownName } from '../../../domain/text/shown-name.ts';
import type { Terminal } from '../../terminal.ts';
import { csvRow } from '../formats/csv.ts';
import type { InventoryFormat } from './inventory.ts';

type Listed = CertificateCounts & Pick<CertificatesJudged, 'listed'>;

const COLUMNS = ['identity', 'serial', 'notAfter', 'renewal', 'reason', 'where', 'words', 'decision'] as const;

export function printRefusedToday(judged: CertificatesJudged, format: InventoryFormat, terminal: Terminal): void {
  if (format === 'json') {
    terminal.printJson(withTimes(judged));
    return;
  }
  const rows = rowsOf(judged);
  const more = [judged, judged.ahead].map((one) => (one === undefined ? 0 : one.refused - (one.listed ?? []).length));
  const hidden = Math.max(...more);
  if (format === 'csv') {
    for (const cells of [COLUMNS, ...rows.map(csvCells)]) terminal.print(csvRow(cells.map(plainText)));
    if (hidden > 0) terminal.complain(`there are ${formatCount(hidden)} more`);
    return;
  }
  if (rows.length > 0) terminal.printTable([HEAD, ...rows.map(cellsOf)]);
  if (hidden > 0) terminal.print(`and ${formatCount(hidden)} more`);
  terminal.print(sentenceOf(judged));
  if (judged.ahead !== undefined)
    terminal.print(`Of ${namesOf(judged.ahead)}, changed since: ${sentenceOf(judged.ahead)}`);
  if (judged.progress !== undefined) terminal.print(progressOf(judged.progress));
}

/** Of a namespace that was judged ahead, what the policies of now say, and not those of before. */
function rowsOf({ listed = [], ahead }: CertificatesJudged): readonly RefusedToday[] {
  const isJudgedAgain = ({ identity }: RefusedToday): boolean =>
    ahead?.namespaces.some((namespace) => identity.includes(`/ns/${namespace}/sa/`)) ?? false;
  return [...(ahead?.listed ?? []), ...listed.filter((row) => ahead?.isComplete !== true || !isJudgedAgain(row))];
}

function withTimes({ ahead, progress, ...judged }: CertificatesJudged): object {
  return {
    ...withEntries(judged),
    ...(ahead !== undefined && { ahead: withEntries(ahead) }),
    ...(progress !== undefined && { progress: withBegin(progress) }),
  };
}

function withEntries({ listed = [], ...numbers }: Listed): object {
  return { ...withBegin(numbers), entries: listed.map(withTime) };
}

function withBegin({ asOfMs, ...rest }: { readonly asOfMs: number }): object {
  return { asOf: new Date(asOfMs).toISOString(), ...rest };
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

function sentenceOf({ live, refused, undecided, leftOut, isComplete, revision, asOfMs }: CertificateCounts): string {
  const parts = [
    formatQuantity(live, 'live certificate'),
    `policy ${revision} would refuse ${formatCount(refused)}`,
    ...(undecided === 0 ? [] : [`${formatCount(undecided)} depend on what is not known of the cluster now`]),
    ...(leftOut === 0 ? [] : [`${formatCount(leftOut)} left out, because policy was not asked or no trace was kept`]),
  ];
  const begun = `begun ${formatTime(asOfMs)}`;
  return `${parts.join(', ')}; ${begun}${isComplete ? '' : ', and it goes on'}.`;
}

function namesOf({ namespaces }: JudgedAhead): string {
  return `${namespaces.length === 1 ? 'namespace' : 'namespaces'} ${namespaces.map(plainText).join(', ')}`;
}

function progressOf({ asOfMs, revision, entries, of }: NonNullable<CertificatesJudged['progress']>): string {
  return `All are being judged by policy ${revision} since ${formatTime(asOfMs)}: ${formatCount(entries)} of ${formatCount(of)} so far.`;
}
