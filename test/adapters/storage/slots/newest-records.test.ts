import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SystemClock } from '../../../../src/adapters/clock/system-clock.ts';
import { planSlots, slotFile } from '../../../../src/adapters/storage/slots/journal-slots.ts';
import { SqliteNewestRecords } from '../../../../src/adapters/storage/sqlite/sqlite-newest-records.ts';
import { JournalWriter } from '../../../../src/adapters/storage/sqlite/writing/journal-writer.ts';
import { describeNewestRecords } from '../../../support/contracts/newest-records.ts';

describe('Of an embedded store', () => {
  let directory: string;
  let opened: SqliteNewestRecords;
  beforeEach(() => (directory = mkdtempSync(path.join(tmpdir(), 'newest-'))));
  afterEach(async () => {
    await opened[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true });
  });

  for (const processes of [1, 2]) {
    describeNewestRecords(`in the journals of ${processes}`, async ({ decisions, operations, closings }) => {
      const file = path.join(directory, 'journal.db');
      if (processes > 1) planSlots(file, processes, false);
      for (let slot = 1; slot <= processes; slot += 1) {
        const writer = new JournalWriter({ file: processes > 1 ? slotFile(file, slot) : file });
        writer.append(decisions.filter((_, index) => index % processes === slot - 1));
        for (const operation of operations.filter((_, index) => index % processes === slot - 1)) {
          writer.recordOperation(operation);
        }
        const ended = closings.filter((_, index) => index % processes === slot - 1);
        writer.recordClosings(ended, undefined);
        writer.close();
      }
      return (opened = new SqliteNewestRecords({ clock: new SystemClock() }, file));
    });
  }
});
