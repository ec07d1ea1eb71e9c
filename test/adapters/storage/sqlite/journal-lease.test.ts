// Who has the embedded journal has its lease.
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { decisionFrom } from '../../../../src/adapters/storage/records.ts';
import { JournalQueries } from '../../../../src/adapters/storage/sqlite/reading/journal-queries.ts';
import { SqliteJournal } from '../../../../src/adapters/storage/sqlite/sqlite-journal.ts';
import { SystemClock } from '../../../../src/adapters/clock/system-clock.ts';
import { describeLease } from '../../../support/contracts/lease.ts';
import { recordEvents } from '../../../support/fakes/recorded-events.ts';
import { NEVER } from './records.ts';

let folder: string;
let journal: SqliteJournal;

async function opened(): Promise<SqliteJournal> {
  const file = path.join(folder, 'journal.sqlite');
  journal = new SqliteJournal({ clock: new SystemClock(), events: recordEvents() }, { file });
  await journal.start({ signal: NEVER });
  return journal;
}

describe('The embedded journal', () => {
  afterEach(async () => {
    await journal[Symbol.asyncDispose]();
    await rm(folder, { recursive: true });
  });

  describeLease('of the embedded journal', async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'capstan-lease-'));
    await opened();
    return {
      lease: journal,
      journal,
      recorded: async () => {
        using reader = new JournalQueries(path.join(folder, 'journal.sqlite'));
        const records = reader.list({ limit: 100 }).map(decisionFrom);
        return records.map(({ decisionId }) => decisionId).toSorted();
      },
      successor: async () => {
        await journal[Symbol.asyncDispose]();
        return opened();
      },
    };
  });
});
