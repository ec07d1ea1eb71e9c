import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SystemClock } from '../../../../src/adapters/clock/system-clock.ts';
import { planSlots, slotFile } from '../../../../src/adapters/storage/slots/journal-slots.ts';
import { JournalWriter } from '../../../../src/adapters/storage/sqlite/writing/journal-writer.ts';
import { SqliteIssuerStatistics } from '../../../../src/adapters/storage/sqlite/sqlite-issuer-statistics.ts';
import type { DecisionRecord } from '../../../../src/ports/storage/issuance-journal.ts';
import { describeIssuerStatistics } from '../../../support/contracts/issuer-statistics.ts';
import { describeRevokedLeaves } from '../../../support/contracts/revoked-leaves.ts';

describe('Of an embedded store', () => {
  let directory: string;
  let file: string;
  let opened: SqliteIssuerStatistics;
  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'figures-'));
    file = path.join(directory, 'journal.db');
  });
  afterEach(async () => {
    await opened[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true });
  });

  function write(journal: string, records: readonly DecisionRecord[]): void {
    const writer = new JournalWriter({ file: journal });
    writer.append(records);
    writer.close();
  }
  const open = (): SqliteIssuerStatistics => (opened = new SqliteIssuerStatistics({ clock: new SystemClock() }, file));

  async function ofOne(records: readonly DecisionRecord[]): Promise<SqliteIssuerStatistics> {
    write(file, records);
    return open();
  }
  async function ofTwo(records: readonly DecisionRecord[]): Promise<SqliteIssuerStatistics> {
    planSlots(file, 2, false);
    for (const slot of [1, 2])
      write(
        slotFile(file, slot),
        records.filter((_, index) => index % 2 === slot - 1),
      );
    return open();
  }

  for (const [where, opening] of [
    ['in the journal of one process', ofOne],
    ['in the journals of two', ofTwo],
  ] as const) {
    describeIssuerStatistics(where, opening);
    describeRevokedLeaves(where, opening);
  }

  it('are an error where the journal cannot be read', async () => {
    const window = { nowMs: 1, sinceMs: 0 };
    await assert.rejects(open().liveLeavesOf('a'.repeat(16), window, { signal: new AbortController().signal }), {
      reason: 'CAP-S04',
    });
  });
});
