// The contracts of those who read a journal, kept by the embedded store.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SystemClock } from '../../../../src/adapters/clock/system-clock.ts';
import { SqliteIssuanceHistory } from '../../../../src/adapters/storage/sqlite/sqlite-issuance-history.ts';
import { SqliteJournalReader } from '../../../../src/adapters/storage/sqlite/sqlite-journal-reader.ts';
import { JournalWriter } from '../../../../src/adapters/storage/sqlite/writing/journal-writer.ts';
import { itKeepsClosings } from '../contracts/closings.ts';
import { itKnowsWhatWasIssued } from '../contracts/issuance-history.ts';
import { itReadsJournals } from '../contracts/journal-reading.ts';
import type { StoredJournal } from '../contracts/stored-journal.ts';
import { NEVER } from './records.ts';

describe('The reader of an SQLite journal', () => itReadsJournals(openStore));
describe('The history in an SQLite journal', () => itKnowsWhatWasIssued(openStore));
describe('The closings in an SQLite journal', () => itKeepsClosings(openStore));

async function openStore(): Promise<StoredJournal> {
  const directory = await mkdtemp(path.join(tmpdir(), 'capstan-contract-'));
  const file = path.join(directory, 'journal.sqlite');
  const writer = new JournalWriter({ file });
  writer.open();
  const reader = await SqliteJournalReader.open(file, { signal: NEVER });
  const history = new SqliteIssuanceHistory({ clock: new SystemClock() }, file);
  return {
    reader,
    history,
    issuances: history,
    recordClosings: async (closings, followed) => writer.recordClosings(closings, followed),
    record: async (...records) => writer.append(records),
    recordOperation: async (operation) => writer.recordOperation(operation),
    deleteBefore: async (beforeMs, limit) => writer.deleteBefore(beforeMs, limit, Infinity),
    keepIssuers: async (issuers, nowMs) => writer.keepIssuers(issuers, nowMs),
    async [Symbol.asyncDispose]() {
      reader[Symbol.dispose]();
      await history[Symbol.asyncDispose]();
      writer.close();
      await rm(directory, { recursive: true });
    },
  };
}
