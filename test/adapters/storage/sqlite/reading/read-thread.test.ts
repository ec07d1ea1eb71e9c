import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { BATCH, MAX_SCANS } from '../../../../../src/adapters/storage/sqlite/reading/read-protocol.ts';
import { ReadThread } from '../../../../../src/adapters/storage/sqlite/reading/read-thread.ts';
import { SqliteIssuanceHistory } from '../../../../../src/adapters/storage/sqlite/sqlite-issuance-history.ts';
import { SqliteJournalReader } from '../../../../../src/adapters/storage/sqlite/sqlite-journal-reader.ts';
import { JournalWriter } from '../../../../../src/adapters/storage/sqlite/writing/journal-writer.ts';
import { AuthorityError } from '../../../../../src/domain/errors.ts';
import { FakeClock, NOON_MS } from '../../../../support/fakes/fake-clock.ts';
import { issued, NEVER } from '../records.ts';

const WAITING = { signal: NEVER };
const DEMO = 'spiffe://cluster.local/ns/default/sa/demo';
const ROWS = 3 * BATCH + 1;

describe('The thread that reads the journal', () => {
  let directory: string;
  let file: string;
  let writer: JournalWriter;
  before(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'capstan-read-'));
    file = path.join(directory, 'journal.sqlite');
    writer = new JournalWriter({ file });
    writer.append(Array.from({ length: ROWS }, (_, n) => issued(`d${n}`, { timeMs: NOON_MS + n })));
  });
  after(async () => {
    writer.close();
    await rm(directory, { recursive: true });
  });

  it('goes through more records than cross at a time, each once and in order, and sees none that comes meanwhile', async () => {
    await using reader = await SqliteJournalReader.open(file, WAITING);
    let next = 0;
    for await (const { decisionId } of reader.scan({}, WAITING)) {
      assert.equal(decisionId, `d${next}`);
      if (next === 0) writer.append([issued('late', { timeMs: NOON_MS + ROWS })]);
      next += 1;
    }
    assert.equal(next, ROWS);
    assert.equal(await reader.count({}, WAITING), ROWS + 1, 'while other questions see it');
  });

  it('lets only so many go through the journal at once, and forgets those that stopped', async () => {
    await using reader = await SqliteJournalReader.open(file, WAITING);
    for (let round = 0; round < 2 * MAX_SCANS; round += 1) {
      for await (const record of reader.scan({}, WAITING)) {
        assert.ok(record);
        break;
      }
    }
    const scans = Array.from({ length: MAX_SCANS }, () => reader.scan({}, WAITING));
    await Promise.all(scans.map(async (scan) => scan.next()));
    await assert.rejects(reader.scan({}, WAITING).next(), (error) => reasonOf(error) === 'CAP-S04');
    await scans[0]?.return();
    assert.equal((await reader.scan({}, WAITING).next()).done, false);
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
    const thread = new ReadThread(file);
    const reads = Array.from({ length: 10_001 }, async () => thread.ask('issuers', { nowMs: 0 }, WAITING));
    const outcomes = await Promise.allSettled(reads);
    await thread.close();
    assert.equal(outcomes.filter(({ status }) => status === 'fulfilled').length, 10_000);
    assert.match(String((outcomes.at(-1) as PromiseRejectedResult).reason), /10000 requests to the reader .* wait/);
  });
});

function reasonOf(error: unknown): string | undefined {
  return error instanceof AuthorityError ? error.reason : String(error);
}
