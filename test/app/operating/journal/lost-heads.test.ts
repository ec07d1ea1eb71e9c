// Somebody who can write to the journal's file takes records of an old chain as if retention had taken them, and the heads that name
// them. What is left of heads says of when the one before it was.
import assert from 'node:assert/strict';
import { DatabaseSync } from 'node:sqlite';
import { eventually } from '../../../support/eventually.ts';
import { DaysOfJournal } from './support/days-of-journal.ts';

const DAY_MS = 24 * 3_600_000;
const SOON = { withinMs: 30_000 };

describe('A journal whose oldest records and heads are gone', function () {
  this.timeout(90_000);
  let journal: DaysOfJournal;
  let sinceMs: number;

  beforeEach(async () => {
    journal = await DaysOfJournal.create(60);
    await journal.day(60);
    await journal.day(20);
    sinceMs = await journal.day(5);
  });
  afterEach(() => journal[Symbol.dispose]());

  const oldestMs = (): number => {
    using database = new DatabaseSync(journal.files.path('journal.db'), { readOnly: true });
    const { oldest } = database.prepare('SELECT min(time_ms) AS oldest FROM audit_heads').get() ?? {};
    return Number(oldest);
  };

  it('is proven where retention took them', async () => {
    await using server = await journal.start();
    await eventually('retention has been', async () => oldestMs() > sinceMs - 16 * DAY_MS, SOON);
    const { code, out } = await journal.exportAndVerify();
    assert.equal(code, 0, out);
    await server.stop();
  });

  it('is not proven where somebody took more', async () => {
    takeBefore(journal.files.path('journal.db'), sinceMs);
    await using server = await journal.start();
    const { code, out } = await journal.exportAndVerify();
    assert.equal(code, 1, out);
    assert.match(out, /heads up to that of \S+ \S+ UTC are not there, though all since \S+ \S+ UTC is said to be kept/);
    await server.stop();
  });

  it('is signed no more where the first acts of operators are gone, which nothing takes', async () => {
    {
      await using server = await journal.start(4);
      assert.equal((await journal.exportAndVerify()).code, 0, 'and that is the first act');
      await server.stop();
    }
    takeFirst(journal.files.path('journal.db'), 'operations');
    await using server = await journal.begin();
    const differs = /the chain \S+ of operations lacks records up to 1, and retention takes none of its kind/;
    await eventually('it says so', async () => differs.test(await (await server.get('/readyz')).text()), SOON);
    await assert.rejects(journal.exportAndVerify(), differs);
    await server.stop();
  });
});

/** As if retention had taken what is of before. */
function takeBefore(file: string, beforeMs: number): void {
  using database = new DatabaseSync(file);
  take(database, 'decisions', beforeMs);
  database.prepare('DELETE FROM audit_heads WHERE time_ms < ?').run(beforeMs);
}

function takeFirst(file: string, table: string): void {
  using database = new DatabaseSync(file);
  const { first } = database.prepare(`SELECT min(time_ms) AS first FROM ${table}`).get() ?? {};
  take(database, table, Number(first) + 1);
}

function take(database: DatabaseSync, table: string, beforeMs: number): void {
  const last = `SELECT chain, chain_sequence AS sequence, chain_digest AS digest, time_ms AS timeMs FROM ${table}
    WHERE time_ms < ? ORDER BY chain_sequence DESC LIMIT 1`;
  const { sequence = 0, digest = '', timeMs = 0, chain = '' } = database.prepare(last).get(beforeMs) ?? {};
  const note = 'UPDATE chains SET removed_sequence = ?, removed_digest = ?, removed_ms = ? WHERE chain = ?';
  database.prepare(note).run(sequence, digest, timeMs, chain);
  database.prepare(`DELETE FROM ${table} WHERE chain_sequence <= ?`).run(sequence);
}
