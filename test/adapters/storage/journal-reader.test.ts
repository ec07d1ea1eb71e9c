import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { JournalWriter } from '../../../src/adapters/storage/journal-writer.ts';
import { SqliteJournalReader } from '../../../src/adapters/storage/sqlite-journal-reader.ts';
import { AuthorityError } from '../../../src/domain/errors.ts';
import type { JournalQuery } from '../../../src/ports/issuance-journal.ts';
import { NOON_MS } from '../../support/fake-clock.ts';
import { issued, refused } from './records.ts';

const DEMO = 'spiffe://cluster.local/ns/default/sa/demo';
const OTHER = 'spiffe://cluster.local/ns/default/sa/other';

describe('The journal reader', () => {
  let directory: string;
  let file: string;

  before(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'capstan-journal-'));
    file = path.join(directory, 'journal.sqlite');
    const writer = new JournalWriter({ file });
    writer.append([
      issued('first', { timeMs: NOON_MS }),
      refused('second', { timeMs: NOON_MS + 1000, caller: DEMO }),
      issued('third', { timeMs: NOON_MS + 2000, identity: OTHER, caller: OTHER }),
      refused('stranger', { timeMs: NOON_MS + 3000 }),
    ]);
    writer.close();
  });
  after(() => rm(directory, { recursive: true }));

  const queries: readonly [string, JournalQuery, string[]][] = [
    ['everything, newest first', { limit: 10 }, ['stranger', 'third', 'second', 'first']],
    ['no more than asked for', { limit: 2 }, ['stranger', 'third']],
    ['one outcome', { outcome: 'refused', limit: 10 }, ['stranger', 'second']],
    ['one decision', { decisionId: 'third', limit: 10 }, ['third']],
    ['what an identity got and what it was refused', { identity: DEMO, limit: 10 }, ['second', 'first']],
    ['what is not older than a moment', { sinceMs: NOON_MS + 2000, limit: 10 }, ['stranger', 'third']],
    ['all conditions together', { identity: DEMO, outcome: 'issued', sinceMs: NOON_MS, limit: 10 }, ['first']],
    ['nothing', { decisionId: "' OR 1=1 --", limit: 10 }, []],
  ];
  for (const [what, query, ids] of queries) {
    it(`finds ${what}`, () => {
      using reader = SqliteJournalReader.open(file);
      assert.deepEqual(
        reader.list(query).map(({ decisionId }) => decisionId),
        ids,
      );
    });
  }

  it('answers every query from an index', () => {
    using database = new DatabaseSync(file, { readOnly: true });
    for (const where of ['time_ms >= 0', "decision_id = 'a'", "coalesce(identity, caller) = 'a'"]) {
      const plan = database.prepare(`EXPLAIN QUERY PLAN SELECT * FROM decisions WHERE ${where}`).all();
      assert.match(String(plan[0]?.['detail']), /USING INDEX/, where);
    }
  });

  it('names a file that is not there', () => {
    const missing = path.join(directory, 'missing.sqlite');
    assert.throws(
      () => SqliteJournalReader.open(missing),
      (error: unknown) =>
        error instanceof AuthorityError &&
        error.reason === 'CAP-X03' &&
        error.message.includes(`${missing} does not exist`),
    );
  });
});
