// The walk over files that may hold certificates: it ends, stays where it was sent, and names what it left out.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { listTree, readBounded, MAX_SKIPPED, TREE_BOUNDS } from '../../../src/adapters/files/certificate-files.ts';

const { signal } = new AbortController();

describe('A walk over certificate files', () => {
  let top: string;
  let at: (name: string) => string;
  beforeEach(() => {
    top = mkdtempSync(path.join(tmpdir(), 'capstan-walk-'));
    at = (name) => path.join(top, name);
    mkdirSync(at('named/deep/deeper'), { recursive: true });
    for (const file of ['named/b.pem', 'named/a.pem', 'named/deep/c', 'outside.pem']) writeFileSync(at(file), file);
  });
  afterEach(() => rmSync(top, { recursive: true }));

  it('lists every file by folder, whatever its name', async () => {
    const { folders, fileCount, skipped } = await listTree(at('named'), { signal });
    assert.deepEqual(folders, [
      { folder: at('named'), files: ['a.pem', 'b.pem'] },
      { folder: at('named/deep'), files: ['c'] },
    ]);
    assert.deepEqual([fileCount, skipped], [3, []]);
  });

  it('takes a file that is named, and a directory that is named by a link', async () => {
    symlinkSync('named', at('link'));
    assert.deepEqual((await listTree(at('outside.pem'), { signal })).folders, [
      { folder: top, files: ['outside.pem'] },
    ]);
    assert.equal((await listTree(at('link'), { signal })).fileCount, 3);
  });

  it('follows no link: one that leads outside is named, one that leads back or nowhere is not', async () => {
    symlinkSync('..', at('named/out'));
    symlinkSync(at('outside.pem'), at('named/out.pem'));
    symlinkSync('deep', at('named/in'));
    symlinkSync('.', at('named/loop'));
    symlinkSync('nowhere', at('named/gone'));
    const { fileCount, skipped } = await listTree(at('named'), { signal });
    assert.equal(fileCount, 3);
    assert.deepEqual(
      skipped.map((skip) => skip.path),
      [at('named/out'), at('named/out.pem')],
    );
  });

  it('stops at its bounds and says what is beyond', async () => {
    const bounds = { ...TREE_BOUNDS, maxFiles: 1, maxDepth: 1 };
    const { fileCount, skipped } = await listTree(at('named'), { signal }, bounds);
    assert.equal(fileCount, 1);
    assert.deepEqual(
      skipped.map(({ path: skip, why }) => `${path.relative(top, skip)} ${why}`),
      [
        'named/b.pem is beyond the first 1 files',
        'named/deep/c is beyond the first 1 files',
        'named/deep/deeper is deeper than 1 folders',
      ],
    );
  });

  it('takes no memory for as many names as somebody makes, and says how many it left out', async () => {
    for (let link = 0; link < MAX_SKIPPED + 5; link += 1) symlinkSync(at('outside.pem'), at(`named/z${link}.pem`));
    const all = await listTree(at('named'), { signal });
    assert.equal(all.skipped.length, MAX_SKIPPED);
    assert.ok(all.moreSkipped >= 5);
    const few = await listTree(at('named'), { signal }, { ...TREE_BOUNDS, maxEntries: 3 });
    const beyond = few.skipped.filter(({ isBeyond }) => isBeyond);
    assert.deepEqual(beyond, [
      { path: at('named'), why: 'has more than 3 entries; the others were left out', isBeyond: true },
    ]);
  });

  it('ends when it is told to', async () => {
    const reason = new Error('enough');
    await assert.rejects(listTree(at('named'), { signal: AbortSignal.abort(reason) }), reason);
  });

  it('waits for no pipe, follows no link and reads no file that is too large', async () => {
    execFileSync('mkfifo', [at('pipe')]);
    symlinkSync(at('outside.pem'), at('link.pem'));
    assert.deepEqual(await readBounded(at('pipe'), 100), { problem: 'is no regular file' });
    assert.deepEqual(await readBounded(at('outside.pem'), 5), { problem: 'is larger than 5 bytes' });
    assert.ok('problem' in (await readBounded(at('link.pem'), 100)));
    assert.deepEqual(await readBounded(at('link.pem'), 100, true), Buffer.from('outside.pem'));
    assert.deepEqual(await readBounded(at('gone'), 100), { problem: 'does not exist' });
  });
});
