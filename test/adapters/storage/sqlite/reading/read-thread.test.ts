import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { ReadThread } from '../../../../../src/adapters/storage/sqlite/reading/read-thread.ts';
import { SqliteIssuanceHistory } from '../../../../../src/adapters/storage/sqlite/sqlite-issuance-history.ts';
import { JournalWriter } from '../../../../../src/adapters/storage/sqlite/writing/journal-writer.ts';
import { FakeClock, NOON_MS } from '../../../../support/fakes/fake-clock.ts';
import { issued, NEVER } from '../records.ts';

const WAITING = { signal: NEVER };
const DEMO = 'spiffe://cluster.local/ns/default/sa/demo';

describe('The thread that reads the journal', () => {
  let directory: string;
  let file: string;
  let writer: JournalWriter;
  before(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'capstan-read-'));
    file = path.join(directory, 'journal.sqlite');
    writer = new JournalWriter({ file });
    writer.append([issued('d0', { timeMs: NOON_MS })]);
  });
  after(async () => {
    writer.close();
    await rm(directory, { recursive: true });
  });

  it('answers who waits, and not who has gone', async () => {
    await using history = new SqliteIssuanceHistory({ clock: new FakeClock() }, file);
    const gone = new AbortController();
    const asked = history.currentCertificateOf(DEMO, NOON_MS, { signal: gone.signal });
    const waiting = history.currentCertificateOf(DEMO, NOON_MS, WAITING);
    gone.abort(new Error('gone'));
    await assert.rejects(asked, /gone/);
    assert.ok(await waiting);
    await assert.rejects(history.currentCertificateOf(DEMO, NOON_MS, { signal: gone.signal }), /gone/);
  });

  it('refuses more reads than may wait', async () => {
    await using thread = new ReadThread({ clock: new FakeClock() }, file);
    const reads = Array.from({ length: 10_001 }, async () => thread.ask('issuers', { nowMs: 0 }, WAITING));
    const outcomes = await Promise.allSettled(reads);
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 10_000);
    const last = outcomes.at(-1) as PromiseRejectedResult;
    assert.match(String(last.reason), /CAP-S04 .*10000 requests to the reader .* wait/);
  });
});
