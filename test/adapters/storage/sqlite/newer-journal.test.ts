// A server that was put back finds the journal as the newer one left it.
import assert from 'node:assert/strict';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { SCHEMA_VERSION, USABLE_FROM } from '../../../../src/adapters/storage/sqlite/file/journal-schema.ts';
import { pragma } from '../../../../src/adapters/storage/sqlite/file/sqlite-file.ts';
import { SqliteJournalReader } from '../../../../src/adapters/storage/sqlite/sqlite-journal-reader.ts';
import { JournalWriter } from '../../../../src/adapters/storage/sqlite/writing/journal-writer.ts';
import { issued, NEVER } from './records.ts';

const NEXT = SCHEMA_VERSION + 1;

describe('A journal that a newer Capstan has migrated', () => {
  let directory: string;
  let file: string;

  beforeEach(() => {
    directory = mkdtempSync(path.join(tmpdir(), 'capstan-journal-'));
    file = path.join(directory, 'journal.db');
    writing((writer) => writer.append([issued('before')]));
  });
  afterEach(() => rmSync(directory, { recursive: true }));

  function writing(work: (writer: JournalWriter) => void): void {
    const writer = new JournalWriter({ file });
    try {
      work(writer);
    } finally {
      writer.close();
    }
  }

  /** What the newer one did, which says from which version on it can be used. */
  function migrated(usableFrom: number): void {
    using database = new DatabaseSync(file);
    database.exec(`ALTER TABLE decisions ADD COLUMN of_the_next_version TEXT; PRAGMA user_version = ${NEXT};
      UPDATE schema_version SET usable_from = ${usableFrom};
      INSERT INTO decisions (decision_id, time_ms, outcome, api, remote_address, reason, message, of_the_next_version)
      VALUES ('by the newer', 1, 'refused', 'csr', '127.0.0.1:40000', 'CAP-P01', 'no', 'more')`);
  }

  function kept(): { readonly version: number; readonly usableFrom: unknown } {
    using database = new DatabaseSync(file, { readOnly: true });
    const row = database.prepare('SELECT usable_from AS "usableFrom" FROM schema_version').get();
    return { version: pragma(database, 'user_version'), usableFrom: row?.['usableFrom'] };
  }

  it('says from which version on it can be used', () => {
    assert.deepEqual(kept(), { version: SCHEMA_VERSION, usableFrom: USABLE_FROM });
  });

  it('is written and read on where that only added to it, and stays as new as it is', async () => {
    migrated(SCHEMA_VERSION);
    writing((writer) => {
      writer.append([issued('after')]);
      writer.probe();
    });
    using reader = await SqliteJournalReader.open(file, { signal: NEVER });
    const ids = (await reader.list({ limit: 10 }, { signal: NEVER })).map(({ decisionId }) => decisionId);
    assert.deepEqual(ids, ['after', 'before', 'by the newer']);
    assert.deepEqual(kept(), { version: NEXT, usableFrom: SCHEMA_VERSION });
  });

  it('is refused, and left as it is, where that did more', async () => {
    migrated(NEXT);
    const before = readFileSync(file);
    const words = /has schema version \d+, and this Capstan knows \d+; run the newer Capstan that wrote it/;
    assert.throws(() => writing((writer) => writer.open({ known: true })), words);
    await assert.rejects(SqliteJournalReader.open(file, { signal: NEVER }), words);
    assert.deepEqual(readFileSync(file), before);
  });

  it('is refused where it does not say from which version on it can be used', () => {
    migrated(SCHEMA_VERSION);
    using database = new DatabaseSync(file);
    database.exec('DROP TABLE schema_version');
    assert.throws(() => writing((writer) => writer.open({ known: true })), /has schema version/);
  });
});
