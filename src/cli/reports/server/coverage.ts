// Which pods of the mesh have no identity, for people, programs and spreadsheets. As in the inventory, names are what others chose.
import type { CoverageAnswer } from '../../../authority/inventory/coverage-overview.ts';
import { COVERAGE_STATES, type CoverageCounts, type CoverageRow } from '../../../domain/inventory/coverage.ts';
import { formatSpan, formatTime } from '../../../domain/text/format-time.ts';
import { plainText, shownName } from '../../../domain/text/shown-name.ts';
import type { ExplainedRow, PodRefusal } from '../../../review/explain/pod-refusals.ts';
import type { Invocation } from '../../invocation.ts';
import { csvRow } from '../formats/csv.ts';

export type CoverageFormat = 'table' | 'json' | 'csv';
export type ExplainedCoverage = CoverageAnswer<ExplainedRow>;

export function printCoverage(
  answer: ExplainedCoverage,
  format: CoverageFormat,
  { terminal }: Pick<Invocation, 'terminal'>,
): void {
  if (format === 'json') {
    terminal.printJson(withTimes(answer));
    return;
  }
  const { rows, more, clusters } = answer;
  const unseen = clusters.flatMap(notesOf);
  if (format === 'csv') {
    for (const cells of [CSV_HEAD, ...rows.map(csvCells)]) terminal.print(csvRow(cells.map(plainText)));
    // Whoever reads the table by a program has to know that it is not all.
    for (const note of [...unseen, ...moreNote(more)]) terminal.complain(note);
    return;
  }
  printNamespaces(answer, terminal);
  if (rows.length > 0) {
    terminal.print('');
    terminal.printTable([POD_HEAD, ...rows.map((row) => cellsOf(row, answer.nowMs))]);
    printRefusals(rows, terminal);
  }
  const { asOfMs } = answer;
  terminal.print('');
  for (const note of [...unseen, ...moreNote(more)]) terminal.print(note);
  if (asOfMs !== undefined) terminal.print(`Certificates as of ${formatTime(asOfMs)}.`);
}

const COUNTED = COVERAGE_STATES.map((state) => state.toUpperCase().replace('_', ' '));
const POD_HEAD = ['CLUSTER', 'NAMESPACE', 'POD', 'STATE', 'IN THE MESH BY', 'NODE', 'PHASE', 'FOR', 'WHY'];

function printNamespaces(
  { namespaces, moreNamespaces, total, clusters }: ExplainedCoverage,
  terminal: Pick<Invocation['terminal'], 'print' | 'printTable'>,
): void {
  const cells = (counts: CoverageCounts): readonly string[] => COVERAGE_STATES.map((state) => String(counts[state]));
  if (namespaces.length > 0) {
    const rows = namespaces.map(({ cluster, namespace, counts }) => [
      shownName(cluster),
      shownName(namespace),
      ...cells(counts),
    ]);
    terminal.printTable([['CLUSTER', 'NAMESPACE', ...COUNTED], ...rows, ['all', '', ...cells(total)]]);
  } else if (clusters.some(({ unavailable }) => unavailable === undefined)) terminal.print('No pod is in the mesh.');
  if (moreNamespaces > 0) terminal.print(`${moreNamespaces} namespaces with smaller gaps are left out.`);
}

function cellsOf(row: ExplainedRow, nowMs: number): readonly string[] {
  const { cluster, namespace, podName, state, way = '-', nodeName = '-', phase = '-', sinceMs } = row;
  const age = sinceMs === undefined ? '-' : formatSpan(Math.max(0, nowMs - sinceMs));
  return [...[cluster, namespace, podName || '-', state, way, nodeName, phase].map(shownName), age, whyOf(row)];
}

/** In few words: what to look at next. */
function whyOf({ state, way, identity, isRevoked, refusal }: ExplainedRow): string {
  if (isRevoked === true) return 'its certificate is revoked';
  if (refusal !== undefined) return `refused: ${refusal.reason}`;
  if (state === 'without') return 'nothing was refused lately';
  if (state === 'not_joined') return way === 'ambient' ? 'istio-cni has not taken it in' : 'no sidecar: restart it';
  return identity === undefined ? '-' : shownName(identity);
}

/** Each once, with what would pass. */
function printRefusals(rows: readonly ExplainedRow[], terminal: Pick<Invocation['terminal'], 'print'>): void {
  const refusals = new Map(rows.flatMap(({ refusal }) => (refusal ? [[textOf(refusal), refusal] as const] : [])));
  if (refusals.size === 0) return;
  terminal.print('');
  for (const { reason, message, toPass, decisionId } of refusals.values()) {
    terminal.print(plainText(`${message.startsWith(reason) ? '' : `${reason} `}${message} (decision ${decisionId})`));
    for (const change of toPass) terminal.print(plainText(`  to pass: ${change}`));
  }
}

function textOf({ reason, message, toPass }: PodRefusal): string {
  return JSON.stringify([reason, message, toPass]);
}

function notesOf({ cluster, unavailable, leftOut }: ExplainedCoverage['clusters'][number]): readonly string[] {
  const name = shownName(cluster);
  if (unavailable !== undefined) return [`Nothing can be said of cluster ${name}: ${plainText(unavailable)}.`];
  if (leftOut === undefined) return [];
  return [`Of cluster ${name} these namespaces have more pods than are kept: ${leftOut.map(shownName).join(', ')}.`];
}

function moreNote(more: number): readonly string[] {
  return more === 0 ? [] : [`${more} more pods are not named: narrow it by --namespace, --cluster or --state.`];
}

const CSV_COLUMNS = [
  'cluster',
  'namespace',
  'podName',
  'podUid',
  'state',
  'way',
  'nodeName',
  'serviceAccount',
  'phase',
  'identity',
] as const satisfies readonly (keyof CoverageRow)[];
const CSV_HEAD: readonly string[] = [...CSV_COLUMNS, 'since', 'revoked', 'refused', 'refusal', 'toPass', 'decisionId'];

function csvCells(row: ExplainedRow): readonly string[] {
  const { sinceMs, isRevoked, refusal } = row;
  return [
    ...CSV_COLUMNS.map((name) => row[name] ?? ''),
    sinceMs === undefined ? '' : iso(sinceMs),
    isRevoked === true ? 'yes' : '',
    refusal === undefined ? '' : iso(refusal.timeMs),
    refusal === undefined ? '' : refusal.message,
    (refusal?.toPass ?? []).join('; '),
    refusal?.decisionId ?? '',
  ];
}

/** Times as a person's tools read them, beside nothing else changed. */
function withTimes({ nowMs, asOfMs, rows, ...rest }: ExplainedCoverage): object {
  return {
    time: iso(nowMs),
    ...(asOfMs !== undefined && { asOf: iso(asOfMs) }),
    ...rest,
    pods: rows.map(({ sinceMs, refusal, ...row }) => ({
      ...row,
      ...(sinceMs !== undefined && { since: iso(sinceMs) }),
      ...(refusal && { refusal: refusalWithTime(refusal) }),
    })),
  };
}

function refusalWithTime({ timeMs, ...refusal }: PodRefusal): object {
  return { time: iso(timeMs), ...refusal };
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
