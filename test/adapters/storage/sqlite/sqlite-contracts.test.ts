// The contracts of those who read a journal, kept by the embedded store.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SystemClock } from '../../../../src/adapters/clock/system-clock.ts';
import { SqliteIssuanceHistory } from '../../../../src/adapters/storage/sqlite/sqlite-issuance-history.ts';
import { SqliteIssuerStatistics } from '../../../../src/adapters/storage/sqlite/sqlite-issuer-statistics.ts';
import { SqliteJournal } from '../../../../src/adapters/storage/sqlite/sqlite-journal.ts';
import { SqliteJournalReader } from '../../../../src/adapters/storage/sqlite/sqlite-journal-reader.ts';
import { JournalWriter } from '../../../../src/adapters/storage/sqlite/writing/journal-writer.ts';
import { recordEvents } from '../../../support/fakes/recorded-events.ts';
import { itKeepsClosings } from '../contracts/closings.ts';
import { itKeepsHeads, type HeadStore } from '../contracts/heads.ts';
import { itKnowsWhatWasIssued } from '../contracts/issuance-history.ts';
import { itReadsJournals } from '../contracts/journal-reading.ts';
import type { StoredJournal } from '../contracts/stored-journal.ts';
import { NEVER } from './records.ts';

const WAITING = { signal: NEVER };

describe('The reader of an SQLite journal', () => itReadsJournals(openStore));
describe('The history in an SQLite journal', () => itKnowsWhatWasIssued(openStore));
describe('The closings in an SQLite journal', () => itKeepsClosings(openStore));
describe('The heads in an SQLite journal', () => itKeepsHeads(openHeads));

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

async function openHeads(): Promise<HeadStore> {
  const directory = await mkdtemp(path.join(tmpdir(), 'capstan-heads-'));
  const file = path.join(directory, 'journal.db');
  const clock = new SystemClock();
  const journal = new SqliteJournal({ clock, events: recordEvents() }, { file });
  await journal.start(WAITING);
  const statistics = new SqliteIssuerStatistics({ clock }, file);
  const reader = await SqliteJournalReader.open(file, WAITING);
  const { epoch } = await journal.acquire(WAITING);
  return {
    heads: {
      keepHead: async (...given) => journal.keepHead(...given),
      lastHeads: async (...given) => statistics.lastHeads(...given),
    },
    reader,
    epoch,
    deleteBefore: async (beforeMs, limit) => journal.deleteBefore(beforeMs, limit, { epoch, ...WAITING }),
    async [Symbol.asyncDispose]() {
      reader[Symbol.dispose]();
      await statistics[Symbol.asyncDispose]();
      await journal[Symbol.asyncDispose]();
      await rm(directory, { recursive: true });
    },
  };
}
