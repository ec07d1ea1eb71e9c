import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SystemClock } from '../../../../src/adapters/clock/system-clock.ts';
import { planSlots, slotFile } from '../../../../src/adapters/storage/slots/journal-slots.ts';
import { SqliteEvidence } from '../../../../src/adapters/storage/sqlite/sqlite-evidence.ts';
import { JournalWriter } from '../../../../src/adapters/storage/sqlite/writing/journal-writer.ts';
import { describeEvidence, type KnownEvidence } from '../../../support/contracts/evidence.ts';

describe('Of an embedded store', () => {
  let directory: string;
  let file: string;
  const opened: SqliteEvidence[] = [];
  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'evidence-'));
    file = path.join(directory, 'journal.db');
  });
  afterEach(async () => {
    await Promise.all(opened.splice(0).map(async (each) => each[Symbol.asyncDispose]()));
    rmSync(directory, { recursive: true });
  });

  function write(journal: string, { decisions, closings = [], notes }: KnownEvidence): void {
    const writer = new JournalWriter({ file: journal });
    writer.append(decisions);
    writer.recordClosings(closings, undefined);
    for (const proxy of notes?.proxies ?? []) writer.recordEvidence({ bundles: [], proxies: [proxy] });
    writer.recordEvidence({ bundles: notes?.bundles ?? [], proxies: [] });
    writer.close();
  }
  const open = (): SqliteEvidence => {
    const reader = new SqliteEvidence({ clock: new SystemClock() }, file);
    opened.push(reader);
    return reader;
  };

  describeEvidence('in the journal of one process', async (known) => {
    write(file, known);
    return open();
  });

  describeEvidence('in the journals of two', async ({ decisions, closings = [], notes }) => {
    planSlots(file, 2, false);
    const mine = <T>(all: readonly T[] = [], slot: number): readonly T[] =>
      all.filter((_, index) => index % 2 === slot - 1);
    for (const slot of [1, 2]) {
      write(slotFile(file, slot), {
        decisions: mine(decisions, slot),
        // The first process records the ends for all.
        closings: slot === 1 ? closings : [],
        notes: { bundles: mine(notes?.bundles, slot), proxies: mine(notes?.proxies, slot) },
      });
    }
    return open();
  });

  it('are an error where the journal cannot be read', async () => {
    const reading = open().liveWorkloads({ nowMs: 1 }, { signal: new AbortController().signal });
    await assert.rejects(Array.fromAsync(reading), { reason: 'CAP-S04' });
    const asked = open().lastIssuedMs({ beforeMs: 1 }, { signal: new AbortController().signal });
    await assert.rejects(asked, { reason: 'CAP-S04' });
  });
});
