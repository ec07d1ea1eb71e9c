// `capstan journal operations`: what operators did to the server, newest first, also while it is running.
import type { Command } from 'commander';
import type { OperationRecord } from '../../../ports/storage/operation-journal.ts';
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
import { formatTime } from '../../../domain/text/format-time.ts';

interface OperationsOptions extends JournalChoice {
  readonly since?: Since;
  readonly limit: number;
  readonly output: OutputFormat;
}

const DEFAULT_LIMIT = 50;

export function registerJournalOperations(journal: Command, invocation: Invocation): void {
  addJournalChoice(journal.command('operations'))
    .description('list what operators did to the server, newest first')
    .option('--since <time>', 'no older than this: a duration such as 1h, or an ISO 8601 time', sinceOption)
    .option('--limit <count>', 'most that are listed', countOption, DEFAULT_LIMIT)
    .addOption(outputOption())
    .action((options: OperationsOptions) => operations(options, invocation));
}

async function operations(options: OperationsOptions, invocation: Invocation): Promise<void> {
  const { terminal, clock, signal } = invocation;
  const { since, limit } = options;
  const journal = journalToList(options, invocation);
  if (journal === undefined) return;
  const { openJournal } = await import('../../inputs/journal/open-journal.ts');
  await using reader = await openJournal(journal, { signal });
  const query = { limit, ...(since !== undefined && { sinceMs: momentOf(since, clock.nowMs()) }) };
  const found = await reader.operations(query, { signal });
  printNewest(found, { what: 'operations', head: HEAD, row: rowOf, json: withTime }, options, terminal);
}

const HEAD = ['TIME', 'OPERATION', 'WAS', 'IS', 'BY', 'TARGET', 'REASON'];

function rowOf({ timeMs, operation, was, is, details }: OperationRecord): readonly string[] {
  const { actor = '-', role, approvedBy, target = '-', reason = '-', refused, count } = details ?? {};
  const by = [
    actor,
    ...(role === undefined ? [] : [`(${role})`]),
    ...(approvedBy === undefined ? [] : ['and', approvedBy]),
  ];
  const times = count === undefined ? '' : `${count} times: `;
  return [
    formatTime(timeMs),
    operation,
    was,
    is,
    by.join(' '),
    target,
    refused === undefined ? reason : times + refused,
  ];
}

function withTime({ timeMs, ...rest }: OperationRecord): unknown {
  return { time: new Date(timeMs).toISOString(), ...rest };
}
