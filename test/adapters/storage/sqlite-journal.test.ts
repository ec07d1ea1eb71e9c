import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { SystemClock } from '../../../src/adapters/clock/system-clock.ts';
import { SqliteJournal, type JournalSettings } from '../../../src/adapters/storage/sqlite-journal.ts';
import { SqliteJournalReader } from '../../../src/adapters/storage/sqlite-journal-reader.ts';
import { AuthorityError } from '../../../src/domain/errors.ts';
import type { Clock } from '../../../src/ports/clock.ts';
import type { DecisionRecord } from '../../../src/ports/issuance-journal.ts';
import { FakeClock, NOON_MS } from '../../support/fake-clock.ts';
import { recordEvents, type RecordedEvents } from '../../support/recorded-events.ts';
import { issued, NEVER, refused } from './records.ts';

const DAY_MS = 86_400_000;

describe('The issuance journal', () => {
  let directory: string;
  let file: string;
  let events: RecordedEvents;

  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'capstan-journal-'));
    file = path.join(directory, 'journal.sqlite');
    events = recordEvents();
  });
  afterEach(() => rm(directory, { recursive: true }));

  async function started(settings: Partial<JournalSettings> = {}, clock: Clock = new SystemClock()) {
    const journal = new SqliteJournal({ clock, events }, { file, ...settings });
    await journal.start({ signal: NEVER });
    return journal;
  }

  function listed(): readonly DecisionRecord[] {
    using reader = SqliteJournalReader.open(file);
    return reader.list({ limit: 10_000 });
  }

  async function isRefused(append: Promise<void>): Promise<void> {
    await assert.rejects(append, (error: unknown) => error instanceof AuthorityError && error.reason === 'CAP-S04');
  }

  /** Starting fails with `reason`; the message names the file and says `problem`; the file stays as it is. */
  async function refusesToStart(reason: string, problem: string): Promise<void> {
    const before = await readFile(file);
    await assert.rejects(started(), (error: unknown) => {
      assert.ok(error instanceof AuthorityError);
      assert.equal(error.reason, reason);
      assert.ok(error.message.includes(file) && error.message.includes(problem), error.message);
      return true;
    });
    assert.deepEqual(await readFile(file), before);
  }

  it('keeps every field of an issued and of a refused decision', async () => {
    const records = [issued('a'), refused('b')];
    {
      await using journal = await started();
      await Promise.all(records.map(async (record) => journal.append(record, { signal: NEVER })));
    }
    assert.deepEqual(listed(), records.toReversed());
  });

  it('can be read while it is written', async () => {
    await using journal = await started();
    await journal.append(issued('a'), { signal: NEVER });
    assert.deepEqual(
      listed().map(({ decisionId }) => decisionId),
      ['a'],
    );
  });

  it('is readable by its owner alone', async () => {
    await using journal = await started();
    await journal.append(issued('a'), { signal: NEVER });
    for (const suffix of ['', '-wal', '-shm']) assert.equal((await stat(file + suffix)).mode & 0o777, 0o600);
  });

  it('goes on where an earlier run ended', async () => {
    for (const id of ['a', 'b']) {
      await using journal = await started();
      await journal.append(issued(id), { signal: NEVER });
    }
    assert.equal(listed().length, 2);
  });

  it('writes what was appended before it ends, and refuses what comes after', async () => {
    const journal = await started();
    const appended = journal.append(issued('a'), { signal: NEVER });
    await journal[Symbol.asyncDispose]();
    await appended;
    await isRefused(journal.append(issued('b'), { signal: NEVER }));
    assert.equal(listed().length, 1);
  });

  it('refuses records before it is started', async () => {
    const journal = new SqliteJournal({ clock: new SystemClock(), events }, { file });
    await isRefused(journal.append(issued('a'), { signal: NEVER }));
    assert.equal(journal.problem, 'the journal is not open');
  });

  it('loses no acknowledged record when the process is killed', async () => {
    const child = spawn(process.execPath, [path.join(import.meta.dirname, 'append-forever.ts'), file], {
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    const acknowledged: string[] = [];
    for await (const id of createInterface(child.stdout)) {
      acknowledged.push(id);
      if (acknowledged.length === 300) child.kill('SIGKILL');
    }
    const kept = new Set(listed().map(({ decisionId }) => decisionId));
    assert.ok(acknowledged.length >= 300);
    assert.deepEqual(
      acknowledged.filter((id) => !kept.has(id)),
      [],
    );
    await using journal = await started();
    await journal.append(issued('after'), { signal: NEVER });
  });

  it('refuses and alarms once while another process holds the file, and recovers by itself', async () => {
    await using journal = await started();
    const other = new DatabaseSync(file);
    other.exec('BEGIN EXCLUSIVE');
    await isRefused(journal.append(issued('a'), { signal: NEVER }));
    await isRefused(journal.append(issued('b'), { signal: NEVER }));
    assert.match(journal.problem ?? '', /is locked by another process/);
    other.exec('ROLLBACK');
    other.close();
    await journal.append(issued('c'), { signal: NEVER });
    assert.deepEqual(events.log, [
      { event: 'journalFailing', facts: { problem: `the journal ${file} is locked by another process` } },
      { event: 'journalRecovered', facts: {} },
    ]);
    assert.equal(journal.problem, undefined);
    assert.deepEqual(
      listed().map(({ decisionId }) => decisionId),
      ['c'],
    );
  });

  it('finds out that it can be written again also when nobody appends', async () => {
    const clock = new FakeClock();
    await using journal = await started({}, clock);
    const other = new DatabaseSync(file);
    other.exec('BEGIN EXCLUSIVE');
    await isRefused(journal.append(issued('a'), { signal: NEVER }));
    await clock.advance(1_000);
    assert.notEqual(journal.problem, undefined, 'it is still locked');
    other.exec('ROLLBACK');
    other.close();
    await clock.advance(1_000);
    while (journal.problem !== undefined) {
      await clock.advance(1_000);
      await new Promise(setImmediate);
    }
    assert.equal(events.of('journalRecovered').length, 1);
  });

  it('refuses the whole batch when the disk is full, and goes on when there is room', async () => {
    const roomy = await started();
    await roomy.append(issued('old'), { signal: NEVER });
    await roomy[Symbol.asyncDispose]();
    await using journal = await started({ maxPages: 12 });
    const batch = Array.from({ length: 200 }, async (_, n) => journal.append(issued(`x${n}`), { signal: NEVER }));
    for (const append of batch) await isRefused(append);
    assert.match(String(events.of('journalFailing')[0]?.['problem']), /the disk is full/);
    assert.deepEqual(
      listed().map(({ decisionId }) => decisionId),
      ['old'],
    );
    await journal.append(issued('small'), { signal: NEVER });
    assert.deepEqual(
      events.log.map(({ event }) => event),
      ['journalFailing', 'journalRecovered'],
    );
  });

  it('starts nothing on a file that is locked, and says so', async () => {
    await (await started())[Symbol.asyncDispose]();
    const other = new DatabaseSync(file);
    other.exec('PRAGMA locking_mode = EXCLUSIVE; BEGIN EXCLUSIVE');
    await refusesToStart('CAP-S04', 'is locked by another process');
    other.close();
  });

  it('refuses a file that is not a database, and leaves it alone', async () => {
    await writeFile(file, 'these are not the records you are looking for\n'.repeat(50));
    await refusesToStart('CAP-X03', 'is not a SQLite database');
  });

  it('refuses a file that is cut short, and leaves it alone', async () => {
    const journal = await started();
    const appends = Array.from({ length: 100 }, async (_, n) => journal.append(issued(`x${n}`), { signal: NEVER }));
    await Promise.all(appends);
    await journal[Symbol.asyncDispose]();
    await truncate(file, 8192);
    await refusesToStart('CAP-X03', 'is corrupt');
  });

  it("refuses another program's database, and leaves it alone", async () => {
    const other = new DatabaseSync(file);
    other.exec('CREATE TABLE payroll (salary INTEGER)');
    other.close();
    await refusesToStart('CAP-X03', 'is a database, but not an issuance journal');
  });

  it('refuses a journal of a newer Capstan, and leaves it alone', async () => {
    await (await started())[Symbol.asyncDispose]();
    const newer = new DatabaseSync(file);
    newer.exec('PRAGMA user_version = 99');
    newer.close();
    await refusesToStart('CAP-X03', 'has schema version 99');
  });

  it('says which file cannot be made', async () => {
    file = path.join(directory, 'missing', 'journal.sqlite');
    await assert.rejects(started(), (error: AuthorityError) => {
      assert.equal(error.reason, 'CAP-X03');
      assert.ok(error.message.includes(`${file} does not exist`), error.message);
      return true;
    });
  });

  it('starts in a file that an interrupted first start left empty', async () => {
    await writeFile(file, '');
    await using journal = await started();
    await journal.append(issued('a'), { signal: NEVER });
    assert.equal(listed().length, 1);
  });

  it('deletes what is older than it should keep, at start and then daily', async () => {
    {
      await using journal = await started();
      for (const [id, age] of [
        ['old', 31],
        ['older', 40],
        ['ageing', 29.5],
        ['young', 1],
      ] as const) {
        await journal.append(issued(id, { timeMs: NOON_MS - age * DAY_MS }), { signal: NEVER });
      }
    }
    const clock = new FakeClock();
    await using journal = await started({ retentionMs: 30 * DAY_MS }, clock);
    await journal.append(issued('now', { timeMs: NOON_MS }), { signal: NEVER });
    assert.deepEqual(ids(), ['ageing', 'now', 'young']);
    await clock.advance(DAY_MS);
    await journal.append(issued('tomorrow', { timeMs: NOON_MS + DAY_MS }), { signal: NEVER });
    assert.deepEqual(ids(), ['now', 'tomorrow', 'young']);

    function ids(): string[] {
      return listed()
        .map(({ decisionId }) => decisionId)
        .sort();
    }
  });

  it('refuses instead of waiting without end for a disk that hangs', async () => {
    const clock = new FakeClock();
    await using journal = await started({}, clock);
    const other = new DatabaseSync(file);
    other.exec('BEGIN EXCLUSIVE');
    const hanging = isRefused(journal.append(issued('a'), { signal: NEVER }));
    await clock.advance(5_000);
    await hanging;
    assert.match(String(events.of('journalFailing')[0]?.['problem']), /was not written within 4000 ms/);
    await isRefused(journal.append(issued('b'), { signal: NEVER }));
    // Refused at once, not by the lock: nothing more is sent to a thread that does not answer.
    assert.match(journal.problem ?? '', /was not written within/);
    other.close();
  });
});
