import assert from 'node:assert/strict';
import { mkdtemp, readdir, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { lockFile } from '../../src/durable/process-lock.ts';
import { readIfThere, replaceFile } from '../../src/durable/replace-file.ts';

describe('A file that must never be half written', () => {
  let folder: string;
  let file: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'capstan-durable-'));
    file = path.join(folder, 'state.json');
  });
  afterEach(async () => rm(folder, { recursive: true }));

  it('is replaced whole, for this user alone, also beside what a process that was killed left behind', async () => {
    await writeFile(`${file}.new`, 'half', { mode: 0o644 });
    await replaceFile(file, 'first');
    await replaceFile(file, 'second');
    assert.equal(await readIfThere(file, 100), 'second');
    assert.equal((await stat(file)).mode & 0o777, 0o600);
    assert.deepEqual(await readdir(folder), ['state.json']);
  });

  it('stays as it was where it cannot be replaced, and the problem names it', async () => {
    const nowhere = path.join(folder, 'none', 'state.json');
    await assert.rejects(replaceFile(nowhere, 'text'), { reason: 'CAP-X03', message: /none\/state\.json/ });
  });

  it('is nothing where there is none, and is read no further than its reader can bear', async () => {
    assert.equal(await readIfThere(file, 100), undefined);
    await writeFile(file, 'x'.repeat(200));
    assert.equal((await readIfThere(file, 100))?.length, 100);
    await assert.rejects(readIfThere(folder, 100), { reason: 'CAP-X03' });
  });

  it('belongs to one process at a time, under a lock that is let go of', () => {
    const first = lockFile(file);
    assert.ok(first !== undefined);
    assert.equal(lockFile(file), undefined);
    first[Symbol.dispose]();
    using again = lockFile(file);
    assert.ok(again !== undefined);
  });
});
