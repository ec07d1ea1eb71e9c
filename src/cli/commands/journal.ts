// `capstan journal …`: what was decided and done, also while a server is running.
import type { Command } from 'commander';
import type { Invocation } from '../invocation.ts';
import { registerJournalList } from './journal/list.ts';
import { registerJournalOperations } from './journal/operations.ts';

/** In the order in which `--help` lists them. */
const COMMANDS = [registerJournalOperations, registerJournalList];

export function registerJournal(program: Command, invocation: Invocation): void {
  const journal = program.command('journal').description('read the issuance journal');
  for (const register of COMMANDS) register(journal, invocation);
}
