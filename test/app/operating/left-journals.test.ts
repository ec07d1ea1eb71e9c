// A store that several processes wrote before, under a single one: nothing is out of sight, and what is old goes.
import assert from 'node:assert/strict';
import { readFileSync, rmSync, writeFileSync } from 'node:fs';
import { planSlots, slotFile, slotsFileOf } from '../../../src/adapters/storage/slots/journal-slots.ts';
import { StoreReader } from '../../../src/adapters/storage/slots/store-reader.ts';
import { JournalLock } from '../../../src/adapters/storage/sqlite/file/journal-lock.ts';
import { JournalQueries } from '../../../src/adapters/storage/sqlite/reading/journal-queries.ts';
import { JournalWriter } from '../../../src/adapters/storage/sqlite/writing/journal-writer.ts';
import { issued } from '../../adapters/storage/sqlite/records.ts';
import { eventually } from '../../support/eventually.ts';
import { RunningServer } from '../support/running-server.ts';
import { ServerFiles } from '../support/server-files.ts';

const WAITING = new AbortController();
const DAY_MS = 86_400_000;

describe('A single server after several processes', () => {
  let files: ServerFiles;
  let store: string;

  beforeEach(async () => {
    files = await ServerFiles.create();
    store = files.path('journal.db');
    planSlots(store, 2, false);
  });
  afterEach(() => files[Symbol.dispose]());

  function recordInSlot(slot: number, ...records: Parameters<JournalWriter['append']>[0]): void {
    const writer = new JournalWriter({ file: slotFile(store, slot) });
    writer.append(records);
    writer.close();
  }
  const issuedAgo = (id: string, agoMs: number) => issued(id, { timeMs: Date.now() - agoMs });

  it('reads their records with its own, and deletes the old ones of theirs too', async () => {
    recordInSlot(1, issuedAgo('old', 400 * DAY_MS), issuedAgo('young', DAY_MS));
    await using server = await RunningServer.start({ files });
    assert.equal((await server.ask('default', 'demo')).code, 0);
    using reader = await StoreReader.open(store, WAITING);
    const found = await reader.list({ limit: 100 }, WAITING);
    assert.ok(found.some(({ decisionId }) => decisionId === 'young'));
    assert.ok(found.some(({ timeMs, api }) => api === 'csr' && timeMs > Date.now() - 60_000));
    using left = new JournalQueries(slotFile(store, 1));
    await eventually('the old record is gone', () => left.count({ decisionId: 'old' }) === 0, { withinMs: 30_000 });
    assert.equal(left.count({ decisionId: 'young' }), 1);
  });

  it('lets no second server have the store, and does not keep theirs open for nothing', async () => {
    await using server = await RunningServer.start({ files });
    assert.equal((await server.get('/readyz')).status, 200);
    await assert.rejects(RunningServer.start({ files, settings: { processes: 2 } }), /is in use by another Capstan/);
    const isFree = (slot: number): boolean => {
      try {
        JournalLock.take(slotFile(store, slot))[Symbol.dispose]();
        return true;
      } catch {
        return false;
      }
    };
    await eventually('they are closed', () => isFree(1) && isFree(2), { withinMs: 30_000 });
  });

  it('does not start without one of them, nor by a list that it cannot read', async () => {
    rmSync(slotFile(store, 2));
    await assert.rejects(RunningServer.start({ files }), /journal\.db\.2 is missing, and .* knows of one with records/);
    const list = readFileSync(slotsFileOf(store), 'utf8');
    writeFileSync(slotsFileOf(store), list.replace('v1alpha1', 'v7'));
    await assert.rejects(RunningServer.start({ files }), /slots is no list of journals that this Capstan knows/);
  });
});
