// What happens to the journal's files while a commit is under way: under load that is nearly always.
import assert from 'node:assert/strict';
import {
  copyFileSync,
  mkdtempSync,
  openSync,
  closeSync,
  renameSync,
  rmSync,
  symlinkSync,
  truncateSync,
  writeSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { JournalLock } from '../../../../../src/adapters/storage/sqlite/file/journal-lock.ts';
import { JournalWriter } from '../../../../../src/adapters/storage/sqlite/writing/journal-writer.ts';
import type { DecisionRecord } from '../../../../../src/ports/storage/issuance-journal.ts';
import { issued } from '../records.ts';

describe('The writer of the journal', () => {
  let directory: string;
  let file: string;
  let lock: JournalLock;
  let writer: JournalWriter;

  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'capstan-journal-'));
    file = path.join(directory, 'journal.db');
    const before = new JournalWriter({ file });
    before.append(many('before', 100));
    before.close();
    lock = JournalLock.take(file);
    writer = new JournalWriter({ file });
    writer.append([issued('first')]);
  });
  afterEach(() => {
    writer.close();
    lock[Symbol.dispose]();
    rmSync(directory, { recursive: true });
  });

  const many = (name: string, count: number): DecisionRecord[] =>
    Array.from({ length: count }, (_, index) => issued(`${name} ${index}`));
  /** A record; `act` runs once when it is linked and written, within the transaction. */
  const during = (act: () => void): DecisionRecord => {
    let acted = false;
    return Object.defineProperty(issued('meanwhile'), 'podName', {
      enumerable: true,
      get: () => {
        if (!acted) act();
        acted = true;
        return 'pod';
      },
    });
  };
  const overwrite = (): void => {
    const handle = openSync(file, 'r+');
    writeSync(handle, Buffer.alloc(4096, 7), 0, 4096, 4096);
    closeSync(handle);
  };

  for (const [what, act, why] of [
    ['overwritten', () => overwrite(), /was changed by another program/],
    ['truncated', () => truncateSync(file, 4096), /was changed by another program/],
    ['unlinked', () => rmSync(file), /is gone from its place/],
    [
      'replaced by a link to itself',
      () => {
        renameSync(file, `${file}.there`);
        symlinkSync(`${file}.there`, file);
      },
      /is another file now/,
    ],
    ['robbed of its lock', () => rmSync(`${file}.lock`), /journal\.db\.lock is gone from its place/],
  ] as const) {
    it(`delivers nothing when the file is ${what} during a commit, nor afterwards`, () => {
      assert.throws(() => writer.append([during(act)]), why);
      assert.throws(() => writer.append([issued('next')]), why);
      assert.throws(() => writer.look(), why);
    });
  }

  it('goes on when the file that was renamed during a commit is put back', () => {
    assert.throws(() => writer.append([during(() => renameSync(file, `${file}.away`))]), /is gone from its place/);
    renameSync(`${file}.away`, file);
    writer.look();
    writer.append([issued('next')]);
  });

  it('moves its WAL into the file by itself, and takes that for nobody else', () => {
    for (let round = 0; round < 20; round += 1) writer.append(many(`round ${round}`, 64));
    const copy = path.join(directory, 'copy.db');
    copyFileSync(file, copy);
    using database = new DatabaseSync(copy);
    const count = Number(database.prepare('SELECT count(*) AS count FROM decisions').get()?.['count']);
    assert.ok(count > 1_000, `${count} records are in the file itself`);
    writer.look();
  });
});
