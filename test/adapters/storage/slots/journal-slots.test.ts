import assert from 'node:assert/strict';
import { chmodSync, existsSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { journalsOf, planSlots, slotFile, slotsFileOf } from '../../../../src/adapters/storage/slots/journal-slots.ts';
import { JournalProblem } from '../../../../src/adapters/storage/sqlite/file/journal-problem.ts';
import { JournalLock } from '../../../../src/adapters/storage/sqlite/file/journal-lock.ts';
import { JournalWriter } from '../../../../src/adapters/storage/sqlite/writing/journal-writer.ts';
import { issued } from '../sqlite/records.ts';

describe('The slots of a journal', () => {
  let directory: string;
  let file: string;

  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'capstan-slots-'));
    file = path.join(directory, 'journal.sqlite');
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  const names = (files: readonly string[]): readonly string[] => files.map((name) => path.basename(name));
  const plan = (processes: number, begun = false) => {
    const { written, left } = planSlots(file, processes, begun);
    return { written: names(written), left: names(left) };
  };
  const readable = (): readonly string[] => names(journalsOf(file));

  it('are none for a single process: it has one journal and no list', () => {
    assert.deepEqual(plan(1), { written: ['journal.sqlite'], left: [] });
    assert.deepEqual(readable(), ['journal.sqlite']);
    assert.ok(!existsSync(slotsFileOf(file)));
  });

  it('are a journal each for several processes, made and listed before any is written', () => {
    assert.deepEqual(plan(2), { written: ['journal.sqlite.1', 'journal.sqlite.2'], left: [] });
    assert.deepEqual(readable(), ['journal.sqlite.1', 'journal.sqlite.2']);
    assert.ok(existsSync(slotFile(file, 2)));
    assert.equal(statSync(slotsFileOf(file)).mode & 0o777, 0o600);
  });

  it('keep every journal in sight from one process to several and back', () => {
    new JournalWriter({ file }).open();
    assert.deepEqual(plan(3, true).left, ['journal.sqlite']);
    assert.deepEqual(readable(), ['journal.sqlite', 'journal.sqlite.1', 'journal.sqlite.2', 'journal.sqlite.3']);
    assert.deepEqual(plan(2, true).left, ['journal.sqlite', 'journal.sqlite.3']);
    assert.deepEqual(plan(1, true), {
      written: ['journal.sqlite'],
      left: ['journal.sqlite.1', 'journal.sqlite.2', 'journal.sqlite.3'],
    });
    assert.equal(readable().length, 4);
  });

  it('list the file of the store only once a single process has it', () => {
    plan(2);
    // As a supervisor leaves it, which holds the lock and writes no records of its own.
    JournalLock.take(file)[Symbol.dispose]();
    assert.deepEqual(plan(2).left, []);
    assert.deepEqual(readable(), ['journal.sqlite.1', 'journal.sqlite.2']);
    assert.deepEqual(plan(1), { written: ['journal.sqlite'], left: ['journal.sqlite.1', 'journal.sqlite.2'] });
  });

  it('are finished by the next start when the one that made them was killed half-way', () => {
    plan(1);
    writeFileSync(slotsFileOf(file), readFileSync(listOf(2)));
    assert.deepEqual(readable(), [], 'listed, and not begun');
    assert.deepEqual(plan(2).written, ['journal.sqlite.1', 'journal.sqlite.2']);
    assert.equal(readable().length, 2);
  });

  it('miss a journal that was taken away', () => {
    plan(2);
    rmSync(slotFile(file, 2));
    assert.deepEqual(readable(), ['journal.sqlite.1', 'journal.sqlite.2']);
    plan(2);
    assert.ok(!existsSync(slotFile(file, 2)), 'it is not made anew: who opens it tells of the loss');
  });

  it('do not take over a journal that no list knows', () => {
    new JournalWriter({ file: slotFile(file, 2) }).append([issued('a')]);
    assert.throws(() => plan(2), problem('there is a journal .*journal.sqlite.2, and no .*slots that lists it'));
    assert.ok(!existsSync(slotsFileOf(file)));
    assert.deepEqual(readable(), ['journal.sqlite'], 'nor does a reader');
  });

  it('are missed when their list is lost, by readers and by servers of any number of processes', () => {
    plan(2);
    rmSync(slotsFileOf(file));
    const refused = problem('there is a journal .*journal.sqlite.1, and no .*slots that lists it; restore the list');
    assert.throws(readable, refused);
    for (const processes of [1, 2, 3]) assert.throws(() => plan(processes), refused);
  });

  for (const [what, text] of [
    ['half a list', '{"apiVersion":"capstan.dev/v1alpha1","ki'],
    ['nothing', ''],
    ['a list of a newer version', '{"apiVersion":"capstan.dev/v2","kind":"JournalSlots","single":true,"slots":1}'],
    [
      'more slots than there can be',
      '{"apiVersion":"capstan.dev/v1alpha1","kind":"JournalSlots","single":true,"slots":1e9}',
    ],
  ] as const) {
    it(`are refused, and not guessed, when the file holds ${what}`, () => {
      writeFileSync(slotsFileOf(file), text);
      const refused = problem('slots is no list of journals that this Capstan knows; restore it, or run the newer');
      assert.throws(readable, refused);
      for (const processes of [1, 2]) assert.throws(() => plan(processes), refused);
      assert.equal(readFileSync(slotsFileOf(file), 'utf8'), text);
    });
  }

  it('are refused when the list may not be read', function () {
    if (process.getuid?.() === 0) this.skip();
    plan(2);
    chmodSync(slotsFileOf(file), 0o000);
    assert.throws(readable, problem('slots may not be read by this user'));
  });

  /** @returns a file with the list that so many processes write. */
  function listOf(processes: number): string {
    const other = path.join(directory, 'other.sqlite');
    planSlots(other, processes, false);
    return slotsFileOf(other);
  }

  function problem(text: string): (error: unknown) => boolean {
    return (error) => {
      assert.ok(error instanceof JournalProblem);
      assert.equal(error.kind, 'file');
      assert.match(error.message, new RegExp(text));
      return true;
    };
  }
});
