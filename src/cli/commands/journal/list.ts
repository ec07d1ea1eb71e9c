// `capstan journal list`: what was decided and which identities ended, newest first, also while a server is running.
import { Option, type Command } from 'commander';
import { UNKNOWN_MS } from '../../../domain/identity/caller.ts';
import type { ClosingJournalReader } from '../../../ports/storage/closing-journal.ts';
import type {
  DecisionRecord,
  IssuanceJournalReader,
  IssuedRecord,
  JournalQuery,
  RefusedRecord,
} from '../../../ports/storage/issuance-journal.ts';
import { outputOption, type Invocation, type OutputFormat } from '../../invocation.ts';
import { countOption } from '../../options/option-values.ts';
import {
  addJournalChoice,
  journalToList,
  momentOf,
  sinceOption,
  type JournalChoice,
  type Since,
} from '../../options/journal-options.ts';
import { printNewest } from '../../reports/journal/newest.ts';
import { closingRow, closingWithTimes, listedClosings, type ListedClosing } from './listed-closing.ts';
import { formatTime } from '../../../domain/text/format-time.ts';

interface ListOptions extends JournalChoice {
  readonly issued?: true;
  readonly refused?: true;
  readonly closed?: true;
  readonly audited?: true;
  readonly identity?: string;
  readonly decision?: string;
  readonly since?: Since;
  readonly limit: number;
  readonly output: OutputFormat;
}

type ListedRecord = DecisionRecord | ListedClosing;

const DEFAULT_LIMIT = 50;

const EXAMPLES = `
Examples:
  $ capstan journal list --refused --since 1h
  $ capstan journal list --closed --since 1d
  $ capstan journal list --config capstan.yaml --identity spiffe://cluster.local/ns/default/sa/demo --output json`;

export function registerJournalList(journal: Command, invocation: Invocation): void {
  addJournalChoice(journal.command('list'))
    .description('list decisions and identities that ended, newest first')
    .addOption(new Option('--issued', 'certificates only').conflicts(['refused', 'closed']))
    .addOption(new Option('--refused', 'refusals only').conflicts('closed'))
    .addOption(new Option('--closed', 'identities that ended only').conflicts(['audited', 'decision']))
    .option('--audited', 'only decisions in which an audited policy clause did not hold')
    .option('--identity <spiffe id>', 'decisions about this identity, those that it asked for, and its ends')
    .option('--decision <id>', 'the decision that an error message names')
    .option('--since <time>', 'no older than this: a duration such as 1h, or an ISO 8601 time', sinceOption)
    .option('--limit <count>', 'most that are listed', countOption, DEFAULT_LIMIT)
    .addOption(outputOption())
    .addHelpText('after', EXAMPLES)
    .action((options: ListOptions) => list(options, invocation));
}

async function list(options: ListOptions, invocation: Invocation): Promise<void> {
  const { terminal, signal } = invocation;
  const query = queryOf(options, invocation.clock.nowMs());
  const journal = journalToList(options, invocation);
  if (journal === undefined) return;
  const { openJournal } = await import('../../inputs/journal/open-journal.ts');
  await using reader = await openJournal(journal, { signal });
  const records = await newest(reader, options, query, signal);
  const what = options.closed === true ? 'closings' : 'decisions';
  printNewest(records, { what, head: HEAD, row: rowOf, json: withTimes }, options, terminal);
}

/** Beside decisions, where no condition is of decisions alone, the identities that ended. */
async function newest(
  reader: IssuanceJournalReader & ClosingJournalReader,
  { issued, refused, closed, audited: isAudited, decision }: ListOptions,
  query: JournalQuery,
  signal: AbortSignal,
): Promise<readonly ListedRecord[]> {
  if (isAudited === true) return audited(reader, query, signal);
  const decisionsOnly = issued === true || refused === true || decision !== undefined;
  const [decisions, closings] = await Promise.all([
    closed === true ? [] : reader.list(query, { signal }),
    decisionsOnly ? [] : listedClosings(reader, query, signal),
  ]);
  const records: readonly ListedRecord[] = [...closings, ...decisions];
  return records.toSorted((a, b) => b.timeMs - a.timeMs).slice(0, query.limit);
}

function queryOf(options: ListOptions, nowMs: number): JournalQuery {
  const { issued, refused, identity, decision, since, limit } = options;
  return {
    limit,
    ...(issued === true && { outcome: 'issued' }),
    ...(refused === true && { outcome: 'refused' }),
    ...(identity !== undefined && { identity }),
    ...(decision !== undefined && { decisionId: decision }),
    ...(since !== undefined && { sinceMs: momentOf(since, nowMs) }),
  };
}

/** Newest first, as `list` gives them; no more than are shown are held in memory. */
async function audited(
  reader: IssuanceJournalReader,
  { limit, ...query }: JournalQuery,
  signal: AbortSignal,
): Promise<readonly DecisionRecord[]> {
  const newest: DecisionRecord[] = [];
  for await (const record of reader.scan(query, { signal })) {
    if (record.policy?.audits === undefined) continue;
    newest.push(record);
    if (newest.length > limit) newest.shift();
  }
  return newest.reverse();
}

const HEAD = [
  'TIME',
  'OUTCOME',
  'FOR',
  'SERIAL OR REASON',
  'VALID UNTIL',
  'ISSUER',
  'AUTHENTICATED BY',
  'FROM',
  'DECISION',
];

function rowOf(record: ListedRecord): readonly string[] {
  return record.outcome === 'closed' ? closingRow(record) : decisionRow(record);
}

function decisionRow(record: DecisionRecord): readonly string[] {
  const issued = record.outcome === 'issued';
  return [
    formatTime(record.timeMs),
    `${record.outcome} (${record.api})`,
    issued ? issuedTo(record) : askedFor(record),
    issued ? `${record.serial}${auditsOf(record)}` : `${record.reason}${countOf(record)}`,
    issued ? formatTime(record.notAfterMs) : '-',
    issuerOf(record),
    record.authenticationMethod ?? '-',
    record.remoteAddress,
    record.decisionId,
  ];
}

/** In a flood one record stands for many refusals. */
function countOf({ count }: RefusedRecord): string {
  return count === undefined ? '' : ` (${count} times)`;
}

/** Whose it is, and who asked when that is another: a node proxy, or a registration authority. */
function issuedTo({ identity, caller }: IssuedRecord): string {
  return caller === undefined || caller === identity ? identity : `${identity} (asked by ${caller})`;
}

/** Whom it was for, and who asked when that is another. */
function askedFor({ identity, caller = '-' }: RefusedRecord): string {
  return identity === undefined ? caller : `${identity} (asked by ${caller})`;
}

/** By its name: the issuer that signed, or that policy judged a refused request for. Older records name none. */
function issuerOf(record: DecisionRecord): string {
  const signed = record.outcome === 'issued' ? record.issuerName : undefined;
  return signed ?? record.policy?.issuer ?? '-';
}

/** What an audited policy would have refused it for. */
function auditsOf({ policy }: DecisionRecord): string {
  const reasons = new Set(policy?.audits?.map(({ reason }) => reason));
  return reasons.size === 0 ? '' : ` (audited ${[...reasons].join(' ')})`;
}

/** Times as a person's tools read them, beside nothing else changed. */
function withTimes(record: ListedRecord): Readonly<Record<string, unknown>> {
  if (record.outcome === 'closed') return closingWithTimes(record);
  const iso = (ms: number): string => new Date(ms).toISOString();
  const { timeMs, ...rest } = record;
  if (rest.outcome === 'refused') return { time: iso(timeMs), ...rest };
  const { notBeforeMs, notAfterMs, provenAtMs, ...issued } = rest;
  const proven = provenAtMs === undefined || provenAtMs === UNKNOWN_MS ? {} : { provenAt: iso(provenAtMs) };
  return { time: iso(timeMs), ...issued, ...proven, notBefore: iso(notBeforeMs), notAfter: iso(notAfterMs) };
}
