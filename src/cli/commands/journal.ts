// `capstan journal …`: what was decided and done, also while a server is running, and whether that is what an export has.
import type { Command } from 'commander';
import type { Invocation } from '../invocation.ts';
import { registerJournalExport } from './journal/export.ts';
import { registerJournalHead } from './journal/head.ts';
import { registerJournalList } from './journal/list.ts';
import { registerJournalOperations } from './journal/operations.ts';
import { registerJournalVerify } from './journal/verify.ts';

/** In the order in which `--help` lists them. */
const COMMANDS = [
  registerJournalOperations,
  registerJournalList,
  registerJournalExport,
  registerJournalHead,
  registerJournalVerify,
];

export function registerJournal(program: Command, invocation: Invocation): void {
  const journal = program
    .command('journal')
    .description('read the issuance journal, and verify what was exported of it');
  for (const register of COMMANDS) register(journal, invocation);
}
