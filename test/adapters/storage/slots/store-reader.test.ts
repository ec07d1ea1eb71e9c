import assert from 'node:assert/strict';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { planSlots, slotFile } from '../../../../src/adapters/storage/slots/journal-slots.ts';
import { StoreReader } from '../../../../src/adapters/storage/slots/store-reader.ts';
import { SystemClock } from '../../../../src/adapters/clock/system-clock.ts';
import { SqliteIssuerStatistics } from '../../../../src/adapters/storage/sqlite/sqlite-issuer-statistics.ts';
import { JournalWriter } from '../../../../src/adapters/storage/sqlite/writing/journal-writer.ts';
import type { DecisionRecord, JournalQuery } from '../../../../src/ports/storage/issuance-journal.ts';
import { NOON_MS } from '../../../support/fakes/fake-clock.ts';
import { issued, NEVER, refused } from '../sqlite/records.ts';

const WAITING = { signal: NEVER };
const OTHER = 'spiffe://cluster.local/ns/default/sa/other';
import { provenLinks } from '../contracts/chains.ts';

describe('A store of several journals', () => {
  let directory: string;
  let file: string;

  before(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'capstan-store-'));
    file = path.join(directory, 'journal.sqlite');
    planSlots(file, 3, false);
    record(1, issued('d1', { timeMs: NOON_MS + 1 }), refused('d4', { timeMs: NOON_MS + 4 }));
    record(2, issued('d2', { timeMs: NOON_MS + 2, identity: OTHER }), issued('d3', { timeMs: NOON_MS + 3 }));
    record(2, issued('d5', { timeMs: NOON_MS + 5 }));
  });
  after(() => rmSync(directory, { recursive: true }));

  function record(slot: number, ...records: readonly DecisionRecord[]): void {
    const writer = new JournalWriter({ file: slotFile(file, slot) });
    writer.append(records);
    writer.close();
  }

  const ids = (records: readonly DecisionRecord[]): readonly string[] => records.map(({ decisionId }) => decisionId);
  const scanned = async (reader: StoreReader): Promise<readonly string[]> =>
    ids(await Array.fromAsync(reader.scan({}, WAITING)));

  const queries: readonly [string, JournalQuery, readonly string[]][] = [
    ['everything, newest first', { limit: 10 }, ['d5', 'd4', 'd3', 'd2', 'd1']],
    ['no more than asked for, whichever journal has them', { limit: 3 }, ['d5', 'd4', 'd3']],
    ['what meets the conditions', { outcome: 'issued', sinceMs: NOON_MS + 2, limit: 10 }, ['d5', 'd3', 'd2']],
    ['one decision', { decisionId: 'd4', limit: 1 }, ['d4']],
    ['nothing', { decisionId: 'd9', limit: 1 }, []],
  ];
  for (const [what, query, expected] of queries) {
    it(`lists ${what}`, async () => {
      using reader = await StoreReader.open(file, WAITING);
      assert.deepEqual(ids(await reader.list(query, WAITING)), expected);
    });
  }

  it('has the chains of all journals, each proved by itself', async () => {
    using reader = await StoreReader.open(file, WAITING);
    await using chains = await reader.chainsNow(WAITING);
    const states = await chains.chains(WAITING);
    const proven = await Promise.all(states.map(async (state) => provenLinks(chains, state)));
    assert.deepEqual(proven.map((records) => ids(records as DecisionRecord[])).toSorted(), [
      ['d1', 'd4'],
      ['d2', 'd3', 'd5'],
    ]);
    assert.deepEqual(await Array.fromAsync(chains.unchained(WAITING)), []);
    await using statistics = new SqliteIssuerStatistics({ clock: new SystemClock() }, file);
    assert.deepEqual(await statistics.chains(WAITING), states);
    for (const { opening, last } of states) {
      const point = await statistics.pointOf(opening.chain, last.sequence, WAITING);
      assert.deepEqual(point, await chains.pointOf(opening.chain, last.sequence, WAITING));
      assert.equal(point?.digest, last.digest);
    }
    assert.equal(await statistics.pointOf('none', 1, WAITING), undefined);
  });

  it('counts all, and gives them oldest first', async () => {
    using reader = await StoreReader.open(file, WAITING);
    assert.equal(await reader.count({}, WAITING), 5);
    assert.deepEqual(await scanned(reader), ['d1', 'd2', 'd3', 'd4', 'd5']);
  });

  it('may be left in the middle, and asked meanwhile and after', async () => {
    using reader = await StoreReader.open(file, WAITING);
    for await (const { decisionId } of reader.scan({}, WAITING)) {
      if (decisionId !== 'd2') continue;
      assert.equal(await reader.count({}, WAITING), 5);
      break;
    }
    assert.equal((await scanned(reader)).length, 5);
  });

  it('ends a scan that is interrupted', async () => {
    using reader = await StoreReader.open(file, WAITING);
    const reason = new Error('interrupted');
    await assert.rejects(Array.fromAsync(reader.scan({}, { signal: AbortSignal.abort(reason) })), reason);
  });

  it('lists what operators did over all of them', async () => {
    for (const [slot, timeMs] of [
      [1, NOON_MS],
      [3, NOON_MS + 1],
    ] as const) {
      const writer = new JournalWriter({ file: slotFile(file, slot) });
      writer.recordOperation({ timeMs, operation: `of ${slot}`, was: 'a', is: 'b' });
      writer.close();
    }
    using reader = await StoreReader.open(file, WAITING);
    const found = await reader.operations({ limit: 10 }, WAITING);
    assert.deepEqual(
      found.map(({ operation }) => operation),
      ['of 3', 'of 1'],
    );
    assert.equal((await reader.operations({ limit: 1 }, WAITING)).length, 1);
  });

  it('reads one of its journals by that name alone', async () => {
    using reader = await StoreReader.open(slotFile(file, 1), WAITING);
    assert.deepEqual(await scanned(reader), ['d1', 'd4']);
  });

  it('says which journal is lost, and shows nothing as if it were all', async () => {
    const other = path.join(directory, 'other.sqlite');
    planSlots(other, 2, false);
    rmSync(slotFile(other, 2));
    await assert.rejects(StoreReader.open(other, WAITING), {
      reason: 'CAP-X03',
      detail: `the journal ${slotFile(other, 2)} does not exist`,
    });
  });
});
