import assert from 'node:assert/strict';
import { mkdir, mkdtemp, readdir, readFile, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { SystemClock } from '../../../src/adapters/clock/system-clock.ts';
import { watchFolder } from '../../../src/adapters/files/watch-folder.ts';
import { watchedDirectory } from '../../../src/adapters/files/watched-directory.ts';
import { FakeClock, settle } from '../../support/fakes/fake-clock.ts';

async function readAll(root: string): Promise<ReadonlyMap<string, string>> {
  const names = await readdir(root, { recursive: true, withFileTypes: true });
  const files = names.filter((entry) => entry.isFile()).map((entry) => path.join(entry.parentPath, entry.name));
  return new Map(
    await Promise.all(files.map(async (file) => [path.relative(root, file), await readFile(file, 'utf8')] as const)),
  );
}

describe('A watched directory', () => {
  let parent: string;
  let root: string;
  let end: AbortController;

  beforeEach(async () => {
    parent = await mkdtemp(path.join(tmpdir(), 'capstan-directory-'));
    root = path.join(parent, 'policies');
    end = new AbortController();
    await mkdir(path.join(root, 'shop'), { recursive: true });
    await writeFile(path.join(root, 'shop/a.yaml'), 'one');
  });
  afterEach(async () => {
    end.abort();
    await rm(parent, { recursive: true });
  });

  /** Makes the change once the tree is watched; resolves when a later look finds `text` under `name`. */
  async function sees(name: string, text: string, change: () => Promise<void>): Promise<void> {
    const source = watchedDirectory({ root, read: readAll }, { clock: new SystemClock(), watchFolder });
    let looks = 0;
    await new Promise<void>((resolve) => {
      const look = async (): Promise<void> => {
        const now = await source.read();
        if ((looks += 1) === 1) setImmediate(() => void change());
        else if (now.get(name) === text) resolve();
      };
      source.onChange(look, { signal: end.signal });
    });
  }

  it('is read by paths below it, and says where each file is', async () => {
    const source = watchedDirectory({ root, read: readAll }, { clock: new SystemClock(), watchFolder });
    assert.deepEqual([...(await source.read())], [['shop/a.yaml', 'one']]);
    assert.equal(source.placeOf('shop/a.yaml'), path.join(root, 'shop/a.yaml'));
  });

  it('tells of an edit in a folder of it', async () =>
    sees('shop/a.yaml', 'two', async () => writeFile(path.join(root, 'shop/a.yaml'), 'two')));

  it('tells of a file in a folder that was not there before', async () =>
    sees('new/b.yaml', 'two', async () => {
      await mkdir(path.join(root, 'new'));
      await writeFile(path.join(root, 'new/b.yaml'), 'two');
    }));

  it('tells when it is a link that is turned', async () => {
    const link = path.join(parent, 'current');
    await symlink('policies', link);
    await mkdir(path.join(parent, 'next'));
    await writeFile(path.join(parent, 'next/a.yaml'), 'two');
    root = link;
    await sees('a.yaml', 'two', async () => {
      await symlink('next', path.join(parent, 'turned'));
      await rename(path.join(parent, 'turned'), link);
    });
  });

  it('is looked at every half minute, whatever its watches say', async () => {
    const clock = new FakeClock();
    let looks = 0;
    const missing = path.join(parent, 'missing', 'below');
    watchedDirectory({ root: missing, read: readAll }, { clock, watchFolder }).onChange(() => void (looks += 1), {
      signal: end.signal,
    });
    while (clock.sleepers === 0) await settle();
    assert.equal(looks, 1);
    await clock.advance(30_100);
    while (clock.sleepers === 0) await settle();
    assert.equal(looks, 2);
  });

  it('is left alone once the signal has aborted', async () => {
    const clock = new FakeClock();
    let looks = 0;
    watchedDirectory({ root, read: readAll }, { clock, watchFolder }).onChange(() => void (looks += 1), {
      signal: end.signal,
    });
    while (clock.sleepers === 0) await settle();
    end.abort();
    await settle();
    await clock.advance(60_000);
    assert.equal(looks, 1);
    assert.equal(clock.sleepers, 0);
  });
});
