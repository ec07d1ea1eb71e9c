import assert from 'node:assert/strict';
import { chmodSync, mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import process from 'node:process';
import {
  readManifestDirectory,
  type ManifestLimits,
} from '../../../../src/adapters/kubernetes/manifests/manifest-directory.ts';

describe('A directory of manifests', () => {
  let root = '';
  beforeEach(() => (root = mkdtempSync(path.join(tmpdir(), 'manifests-'))));
  afterEach(() => rmSync(root, { recursive: true, force: true }));

  const write = (name: string, text = name): void => {
    mkdirSync(path.dirname(path.join(root, name)), { recursive: true });
    writeFileSync(path.join(root, name), text);
  };
  const read = async (limits?: ManifestLimits) => {
    const { texts, unreadable } = await readManifestDirectory(root, limits);
    return { names: [...texts.keys()], unreadable: Object.fromEntries(unreadable) };
  };

  it('is read with its folders; other files and names with a dot do not count', async () => {
    for (const name of ['b.yaml', 'a/c.yml', 'a/d.json', '.hidden.yaml', 'README.md']) write(name);
    assert.deepEqual(await read(), { names: ['a/c.yml', 'a/d.json', 'b.yaml'], unreadable: {} });
  });

  it('names what is too large, or too much in all, and reads the rest', async () => {
    write('a.yaml', 'x'.repeat(20));
    for (const name of ['b', 'c', 'd']) write(`${name}.yaml`, 'x'.repeat(8));
    assert.deepEqual(await read({ maxFileBytes: 10, maxTotalBytes: 20 }), {
      names: ['b.yaml', 'c.yaml'],
      unreadable: { 'a.yaml': 'is larger than 10 bytes', 'd.yaml': 'is beyond 20 bytes in all' },
    });
  });

  it('takes sixteen megabytes in one file', async () => {
    write('a.yaml', `# ${'x'.repeat(16 * 1024 * 1024 - 2)}`);
    assert.deepEqual((await read()).unreadable, {});
  });

  it('names a link and what lies too deep, and follows neither', async () => {
    write('a.yaml');
    symlinkSync('/etc/passwd', path.join(root, 'link.yaml'));
    write('1/2/3/4/5/6/7/8/deep.yaml');
    assert.deepEqual(await read(), {
      names: ['a.yaml'],
      unreadable: {
        'link.yaml': 'is a symbolic link, which is followed only in a mounted volume',
        '1/2/3/4/5/6/7/8/': 'is nested deeper than 8 directories',
      },
    });
  });

  it('may be a volume that Kubernetes mounts', async () => {
    write('..2026/a.yaml');
    symlinkSync('..2026', path.join(root, '..data'));
    symlinkSync('..data/a.yaml', path.join(root, 'a.yaml'));
    assert.deepEqual(await read(), { names: ['a.yaml'], unreadable: {} });
  });

  it('names the folder of a volume whose link cannot be followed, or leads out of it, and reads the rest', async () => {
    write('b.yaml');
    write('elsewhere/c.yaml');
    for (const [name, target] of [
      ['gone', '..2026'],
      ['loop', '..data'],
      ['out', '../elsewhere'],
    ] as const) {
      mkdirSync(path.join(root, name));
      symlinkSync(target, path.join(root, name, '..data'));
    }
    const { names, unreadable } = await read();
    assert.deepEqual(names, ['b.yaml', 'elsewhere/c.yaml']);
    assert.deepEqual(unreadable, {
      'gone/': 'has a ..data that cannot be followed',
      'loop/': 'has a ..data that cannot be followed',
      'out/': 'leads out of its volume',
    });
  });

  it('hides the volume that somebody turns all the time, and no other folder', async () => {
    write('a/..1/x.yaml');
    write('b.yaml');
    const data = path.join(root, 'a/..data');
    symlinkSync('..1', data);
    let turns = 1;
    const turning = setInterval(() => {
      turns += 1;
      write(`a/..${turns}/x.yaml`);
      symlinkSync(`..${turns}`, `${data}.new`);
      renameSync(`${data}.new`, data);
    });
    // Long enough a reading that the link turns during each.
    for (let n = 0; n < 300; n += 1) write(`z/${n}.yaml`);
    const { names, unreadable } = await read().finally(() => clearInterval(turning));
    assert.equal(names.length, 301);
    assert.deepEqual(unreadable, { 'a/': 'changes while it is read' });
  });

  it('names a folder that may not be read', async function () {
    if (process.getuid?.() === 0) this.skip();
    write('team/a.yaml');
    write('b.yaml');
    chmodSync(path.join(root, 'team'), 0);
    assert.deepEqual(await read(), { names: ['b.yaml'], unreadable: { 'team/': 'may not be read by this user' } });
    chmodSync(path.join(root, 'team'), 0o700);
  });

  it('is an error when it is not there', async () => {
    await assert.rejects(readManifestDirectory(path.join(root, 'none')), /none does not exist/);
  });
});
