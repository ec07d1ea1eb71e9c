import assert from 'node:assert/strict';
import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { copyFile, mkdtemp, open, readFile, rename, rm, stat, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync } from 'node:sqlite';
import { SystemClock } from '../../../../src/adapters/clock/system-clock.ts';
import type { WriterSettings } from '../../../../src/adapters/storage/sqlite/writing/journal-writer.ts';
import { SqliteJournalReader } from '../../../../src/adapters/storage/sqlite/sqlite-journal-reader.ts';
import { SqliteJournal } from '../../../../src/adapters/storage/sqlite/sqlite-journal.ts';
import { SqliteIssuanceHistory } from '../../../../src/adapters/storage/sqlite/sqlite-issuance-history.ts';
import { decisionFrom } from '../../../../src/adapters/storage/records.ts';
import { JournalQueries } from '../../../../src/adapters/storage/sqlite/reading/journal-queries.ts';
import { keepRetention } from '../../../../src/authority/chores/journal-retention.ts';
import { AuthorityError } from '../../../../src/domain/errors.ts';
import type { Clock } from '../../../../src/ports/platform/clock.ts';
import type { DecisionRecord } from '../../../../src/ports/storage/issuance-journal.ts';
import { FakeClock, NOON_MS } from '../../../support/fakes/fake-clock.ts';
import { recordEvents, type RecordedEvents } from '../../../support/fakes/recorded-events.ts';
import { closing, issued, NEVER, refused } from './records.ts';

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

  async function started(settings: Partial<WriterSettings> = {}, clock: Clock = new SystemClock()) {
    const journal = new SqliteJournal({ clock, events }, { file, ...settings });
    await journal.start({ signal: NEVER });
    return journal;
  }

  function listed(): readonly DecisionRecord[] {
    using reader = new JournalQueries(file);
    return reader.list({ limit: 10_000 }).map(decisionFrom);
  }

  async function isRefused(append: Promise<unknown>): Promise<void> {
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
    newer.exec('PRAGMA user_version = 99; UPDATE schema_version SET usable_from = 99');
    newer.close();
    await refusesToStart('CAP-X03', 'has schema version 99');
  });

  describe('whose files are touched while it runs', () => {
    let journal: SqliteJournal;
    let clock: FakeClock;
    beforeEach(async () => {
      clock = new FakeClock();
      journal = await started({}, clock);
      await journal.append(issued('before'), { signal: NEVER });
    });
    afterEach(() => journal[Symbol.asyncDispose]());

    /** What the look, twice a second, comes to. */
    async function noticed(words: RegExp): Promise<void> {
      await clock.advance(500);
      while (journal.problem === undefined) await new Promise(setImmediate);
      assert.match(journal.problem, words);
      assert.match(String(events.of('journalFailing')[0]?.['problem']), words);
    }

    const touched: readonly (readonly [string, () => Promise<void>, RegExp])[] = [
      ['unlinked', async () => rm(file), /journal\.sqlite is gone from its place/],
      ['renamed', async () => rename(file, `${file}.old`), /journal\.sqlite is gone from its place/],
      [
        'replaced',
        async () => (await writeFile(`${file}.new`, ''), rename(`${file}.new`, file)),
        /is another file now/,
      ],
      ['truncated', async () => truncate(file, 0), /journal\.sqlite was changed by another program/],
      ['overwritten', async () => overwrite(file, 100), /journal\.sqlite was changed by another program/],
      ['robbed of its WAL', async () => rm(`${file}-wal`), /journal\.sqlite-wal is gone from its place/],
      ['given a shorter WAL', async () => truncate(`${file}-wal`, 0), /-wal was changed by another program/],
      ['given bytes in its WAL', async () => overwrite(`${file}-wal`, 40), /-wal was changed by another program/],
      ['robbed of its shared memory', async () => rm(`${file}-shm`), /journal\.sqlite-shm is gone from its place/],
    ];
    for (const [what, touch, words] of touched) {
      it(`misses it within a second when it is ${what}, and refuses what cannot be recorded`, async () => {
        await touch();
        await noticed(words);
        await isRefused(journal.append(issued('after'), { signal: NEVER }));
        assert.equal(events.of('journalRecovered').length, 0);
      });

      it(`refuses at once, without waiting for the look, when it is ${what}`, async () => {
        await touch();
        await isRefused(journal.append(issued('after'), { signal: NEVER }));
        assert.match(journal.problem ?? '', words);
      });
    }

    it('goes on by itself when the same file is put back', async () => {
      await rename(file, `${file}.old`);
      await noticed(/is gone from its place/);
      await rename(`${file}.old`, file);
      await clock.advance(500);
      while (journal.problem !== undefined) await new Promise(setImmediate);
      await journal.append(issued('after'), { signal: NEVER });
      assert.deepEqual(
        listed().map(({ decisionId }) => decisionId),
        ['after', 'before'],
      );
    });

    it('does not go on with a copy in its place', async () => {
      await rename(file, `${file}.old`);
      await copyFile(`${file}.old`, file);
      await noticed(/is another file now/);
      await clock.advance(2_000);
      await isRefused(journal.append(issued('after'), { signal: NEVER }));
    });

    it('does not mind who reads it, in this process or another', async () => {
      for (let round = 0; round < 3; round += 1) {
        assert.equal(listed().length, round + 1);
        execFileSync(process.execPath, [
          '-e',
          `new (require('node:sqlite').DatabaseSync)(${JSON.stringify(file)}).prepare('SELECT * FROM decisions').all()`,
        ]);
        await journal.append(issued(`${round}`), { signal: NEVER });
        await clock.advance(1_000);
        assert.equal(journal.problem, undefined);
      }
    });
  });

  it('keeps its WAL when another program that reads it goes, whoever in this process has looked at it too', async () => {
    await using journal = await started();
    await journal.append(issued('a'), { signal: NEVER });
    await using history = new SqliteIssuanceHistory({ clock: new FakeClock() }, file);
    await history.currentCertificateOf('spiffe://cluster.local/ns/default/sa/demo', NOON_MS, { signal: NEVER });
    const script = `const d = new (require('node:sqlite').DatabaseSync)(${JSON.stringify(file)});
      d.prepare('SELECT * FROM decisions').all(); d.close()`;
    execFileSync(process.execPath, ['-e', script]);
    assert.ok((await stat(`${file}-wal`)).size > 0);
    await journal.append(issued('b'), { signal: NEVER });
    assert.equal(listed().length, 2);
  });

  describe('that was there before', () => {
    beforeEach(async () => {
      await using journal = await started();
      await journal.append(issued('a'), { signal: NEVER });
    });

    for (const [what, lose] of [
      ['missing', async () => rm(file)],
      ['empty', async () => truncate(file, 0)],
    ] as const) {
      it(`is not begun anew when it is ${what}: what to do is said`, async () => {
        await lose();
        await assert.rejects(started(), (error: AuthorityError) => {
          assert.equal(error.reason, 'CAP-X03');
          assert.ok(error.message.includes(`${file} is ${what}`), error.message);
          assert.ok(error.message.includes(`remove ${file}.lock to start a new one`), error.message);
          return true;
        });
        await rm(`${file}.lock`);
        await using journal = await started();
        await journal.append(issued('b'), { signal: NEVER });
        assert.equal(listed().length, 1);
      });
    }

    it('may have lost every record to its retention', async () => {
      const clock = new FakeClock(NOON_MS + 60 * DAY_MS);
      {
        await using emptied = await started({}, clock);
        const { epoch } = await emptied.acquire({ signal: NEVER });
        assert.equal(await emptied.deleteBefore(clock.nowMs() - DAY_MS, 10, { epoch, signal: NEVER }), 1);
      }
      await using journal = await started();
      assert.equal(listed().length, 0);
      await journal.append(issued('b'), { signal: NEVER });
    });

    for (const [what, damage, words] of [
      ['an index', 'DROP INDEX decisions_by_time', /has no index decisions_by_time/],
      ['a column', 'ALTER TABLE decisions DROP COLUMN message', /has no column decisions\.message/],
      ['its table', 'DROP TABLE decisions', /has no table decisions/],
      [
        'nothing, and has a trigger that lets records vanish',
        'CREATE TRIGGER t BEFORE INSERT ON decisions BEGIN SELECT RAISE(IGNORE); END',
        /has a trigger t, which Capstan did not make/,
      ],
    ] as const) {
      it(`is refused at once when its schema lacks ${what}`, async () => {
        const other = new DatabaseSync(file);
        other.exec(damage);
        other.close();
        await assert.rejects(started(), (error: AuthorityError) => {
          assert.equal(error.reason, 'CAP-X03');
          assert.match(error.message, words);
          assert.ok(error.message.includes(file) && error.message.includes('restore it'), error.message);
          return true;
        });
      });
    }

    it('is refused at once when its header is damaged', async () => {
      await overwrite(file, 0);
      await refusesToStart('CAP-X03', 'is not a SQLite database');
    });
  });

  describe('of a server that did not close it', () => {
    async function killedWhileWriting(): Promise<void> {
      const child = spawn(process.execPath, [path.join(import.meta.dirname, 'append-forever.ts'), file], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      let lines = 0;
      for await (const id of createInterface(child.stdout))
        if (id !== '' && (lines += 1) === 300) child.kill('SIGKILL');
    }

    it('is looked through while records are made, and that is told', async () => {
      await killedWhileWriting();
      await using journal = await started();
      assert.match(
        journal.checking ?? '',
        /is being checked after a stop that was not in order \(\d+ MiB, for \d+ s\)/,
      );
      await journal.append(issued('meanwhile'), { signal: NEVER });
      while (journal.checking !== undefined) await new Promise(setImmediate);
      assert.equal(journal.problem, undefined);
      assert.deepEqual(
        events.of('journalCheck').map(({ state }) => state),
        ['begun', 'sound'],
      );
    });

    it('is not looked through again once it was closed in order', async () => {
      await killedWhileWriting();
      const journal = await started();
      while (journal.checking !== undefined) await new Promise(setImmediate);
      await journal[Symbol.asyncDispose]();
      await using next = await started();
      assert.equal(next.checking, undefined);
    });

    it('stops the issuing when a page proves damaged, and is looked through again at the next start', async () => {
      await killedWhileWriting();
      await (await started())[Symbol.asyncDispose]();
      // A page in the middle of the table; the first pages, which every start reads, are whole.
      await overwrite(file, Math.floor((await stat(file)).size / 8192) * 4096);
      await rm(`${file}.lock`);
      for (let start = 0; start < 2; start += 1) {
        events.log.length = 0;
        await using journal = await started();
        while (journal.checking !== undefined) await new Promise(setImmediate);
        assert.match(journal.problem ?? '', /is corrupt/);
        assert.equal(events.of('journalFailing').length, 1);
        await isRefused(journal.append(issued('b'), { signal: NEVER }));
        assert.match(journal.problem ?? '', /is corrupt/);
      }
    });
  });

  describe('that another server uses', () => {
    it('is refused, while the command line reads it', async () => {
      await using journal = await started();
      await journal.append(issued('a'), { signal: NEVER });
      await assert.rejects(started(), (error: AuthorityError) => {
        assert.equal(error.reason, 'CAP-X03');
        assert.match(error.message, /is in use by another Capstan/);
        assert.ok(error.message.includes(file), error.message);
        return true;
      });
      assert.equal(listed().length, 1);
      await journal.append(issued('b'), { signal: NEVER });
    });

    it('is refused by any name that leads to it', async () => {
      await using journal = await started();
      await symlink(file, path.join(directory, 'link.sqlite'));
      const other = new SqliteJournal(
        { clock: new SystemClock(), events },
        { file: path.join(directory, 'link.sqlite') },
      );
      await assert.rejects(other.start({ signal: NEVER }), /is in use by another Capstan/);
      await journal.append(issued('b'), { signal: NEVER });
    });

    it('is not begun anew behind a link that took its place', async () => {
      await (await started())[Symbol.asyncDispose]();
      await rename(file, `${file}.moved`);
      await symlink(`${file}.moved`, file);
      await assert.rejects(started(), /is a link to .*\.moved now; move .*\.lock and its WAL there too/);
    });

    it('is free as soon as that one is killed', async () => {
      const child = spawn(process.execPath, [path.join(import.meta.dirname, 'hold-journal.ts'), file], {
        stdio: ['ignore', 'pipe', 'inherit'],
      });
      await once(child.stdout, 'data');
      await assert.rejects(started(), /is in use by another Capstan/);
      child.kill('SIGKILL');
      await once(child, 'exit');
      await using journal = await started();
      await journal.append(issued('b'), { signal: NEVER });
    });

    it('is not opened on the word of a lock that cannot be read', async () => {
      await (await started())[Symbol.asyncDispose]();
      await writeFile(`${file}.lock`, 'not a lock'.repeat(100));
      await assert.rejects(
        started(),
        /journal\.sqlite\.lock is damaged; if no other Capstan uses the journal, remove it/,
      );
    });
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
    // A day goes by in a moment, and the journal's thread cannot be looked at 170,000 times in it.
    const [clock, ended] = [new FakeClock(), new AbortController()];
    const daily: Clock = {
      nowMs: () => clock.nowMs(),
      monotonicMs: () => clock.monotonicMs(),
      sleepUntil: async (wallMs, options) => clock.sleepUntil(wallMs, options),
      after: (ms, act) => clock.after(ms, act),
      sleep: async (ms, options) => clock.sleep(ms < DAY_MS ? Infinity : ms, options),
    };
    await using journal = await started({}, daily);
    const parts = { journal, lease: journal, clock: daily, events };
    void keepRetention(parts, { retentionMs: 30 * DAY_MS }, { signal: ended.signal });
    await journal.append(issued('now', { timeMs: NOON_MS }), { signal: NEVER });
    assert.deepEqual(ids(), ['ageing', 'now', 'young']);
    await clock.advance(DAY_MS);
    await journal.append(issued('tomorrow', { timeMs: NOON_MS + DAY_MS }), { signal: NEVER });
    assert.deepEqual(ids(), ['now', 'tomorrow', 'young']);
    ended.abort();

    function ids(): string[] {
      return listed()
        .map(({ decisionId }) => decisionId)
        .sort();
    }
  });

  it('is a lease whose epoch rises with each server that has it; none but the last deletes or closes anything', async () => {
    const former = await started();
    await former.append(issued('a'), { signal: NEVER });
    const held = await former.acquire({ signal: NEVER });
    assert.equal(held.lost.aborted, false);
    await former[Symbol.asyncDispose]();
    assert.equal(held.lost.aborted, true);
    await assert.rejects(former.acquire({ signal: NEVER }), { reason: 'CAP-S04' });
    await using journal = await started();
    const { epoch } = await journal.acquire({ signal: NEVER });
    assert.equal(epoch, held.epoch + 1);
    for (const late of [former, journal]) {
      await assert.rejects(late.deleteBefore(Infinity, 1, { epoch: held.epoch, signal: NEVER }), { reason: 'CAP-S04' });
      const recording = late.recordClosings([closing('a')], undefined, { epoch: held.epoch, signal: NEVER });
      await assert.rejects(recording, { reason: 'CAP-S04' });
    }
    assert.equal(listed().length, 1);
    await journal.recordClosings([closing('b')], undefined, { epoch, signal: NEVER });
    using reader = await SqliteJournalReader.open(file, { signal: NEVER });
    const closings = await reader.closings({ limit: 9 }, { signal: NEVER });
    assert.deepEqual(
      closings.map(({ podUid }) => podUid),
      ['b'],
    );
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

/** Bytes that are wrong wherever they come, in place. */
async function overwrite(file: string, at: number): Promise<void> {
  await using handle = await open(file, 'r+');
  await handle.write(Buffer.alloc(4096, 0x5a), 0, 4096, at);
}
