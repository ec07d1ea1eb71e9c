import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { renameSync, symlinkSync, unlinkSync, writeFileSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, rename, rm, symlink, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  MAX_FILE_BYTES,
  readPolicyBundleDirectory,
  readDocumentDirectory,
} from '../../../../src/adapters/policy/source/document-directory.ts';
import { AuthorityError } from '../../../../src/domain/errors.ts';

describe('A directory of policies', () => {
  let root: string;

  beforeEach(async () => (root = await mkdtemp(path.join(tmpdir(), 'capstan-policies-'))));
  afterEach(async () => rm(root, { recursive: true }));

  async function write(files: Readonly<Record<string, string>>): Promise<void> {
    for (const [name, text] of Object.entries(files)) {
      await mkdir(path.dirname(path.join(root, name)), { recursive: true });
      await writeFile(path.join(root, name), text);
    }
  }

  /** As Kubernetes does it: a new folder, then the link is turned, then the old folder goes. */
  async function mount(state: string, files: Readonly<Record<string, string>>, folder = ''): Promise<void> {
    const at = (name: string) => path.join(root, folder, name);
    await write(
      Object.fromEntries(Object.entries(files).map(([name, text]) => [path.join(folder, state, name), text])),
    );
    await symlink(state, at('..data_tmp'));
    await rename(at('..data_tmp'), at('..data'));
    for (const name of Object.keys(files)) await symlink(`..data/${name}`, at(name)).catch(() => undefined);
  }

  const read = async () => Object.fromEntries(await readDocumentDirectory(root));

  async function refuses(problem: string | RegExp): Promise<void> {
    await assert.rejects(readDocumentDirectory(root), (error: unknown) => {
      assert.ok(error instanceof AuthorityError);
      assert.equal(error.reason, 'CAP-X03');
      if (typeof problem === 'string') assert.ok(error.message.includes(problem), error.message);
      else assert.match(error.message, problem);
      return true;
    });
  }

  it('holds what the cluster layer may have and what namespaces have beside it: a bundle beside 10,000 policies', async function () {
    this.timeout(60_000);
    for (let file = 0; file <= 10_000; file += 1) writeFileSync(path.join(root, `${file}.yaml`), '');
    assert.equal((await readDocumentDirectory(root)).size, 10_001);
  });

  it('is every YAML and JSON file in it, by its path, in order', async () => {
    await write({ 'shop/b.yml': '2', 'shop/a/deep.json': '1', 'z.yaml': '4', 'shop.yaml': '3', 'ü.yaml': 'ü' });
    const texts = await readDocumentDirectory(root);
    assert.deepEqual([...texts.keys()], ['shop.yaml', 'shop/a/deep.json', 'shop/b.yml', 'z.yaml', 'ü.yaml']);
    assert.equal(texts.get('ü.yaml'), 'ü');
  });

  it('has room for notes, hidden files and empty ones', async () => {
    await write({ 'README.md': '', '.hidden.yaml': '', '.git/config.yaml': '', '..old/a.yaml': '', 'empty.yaml': '' });
    assert.deepEqual(await read(), { 'empty.yaml': '' });
  });

  it('of bundles has their signatures too', async () => {
    await write({ 'bundle.yaml': 'b', 'bundle.yaml.sig': 's', 'notes.sig': '' });
    assert.deepEqual(Object.fromEntries(await readPolicyBundleDirectory(root)), {
      'bundle.yaml': 'b',
      'bundle.yaml.sig': 's',
    });
    assert.deepEqual(await read(), { 'bundle.yaml': 'b' });
  });

  it('may be empty, and must exist', async () => {
    assert.deepEqual(await read(), {});
    const missing = path.join(root, 'missing');
    await assert.rejects(readDocumentDirectory(missing), {
      message: `CAP-X03 the configuration is invalid: ${missing} does not exist`,
    });
    await write({ 'file.yaml': '' });
    await assert.rejects(readDocumentDirectory(path.join(root, 'file.yaml')), /file\.yaml is not a directory/);
  });

  it('may be a mounted volume, and change as a whole', async () => {
    await mount('..2026_1', { 'a.yaml': 'one', 'b.yaml': 'one', 'gone.yaml': 'one' });
    assert.deepEqual(await read(), { 'a.yaml': 'one', 'b.yaml': 'one', 'gone.yaml': 'one' });
    await mount('..2026_2', { 'a.yaml': 'two', 'b.yaml': 'two' });
    assert.deepEqual(await read(), { 'a.yaml': 'two', 'b.yaml': 'two' });
  });

  it('may hold a volume for each namespace', async () => {
    await write({ 'base.yaml': 'base' });
    for (const namespace of ['shop', 'team-a']) {
      await mkdir(path.join(root, namespace));
      await mount('..2026_1', { 'policy.yaml': namespace }, namespace);
    }
    const texts = { 'base.yaml': 'base', 'shop/policy.yaml': 'shop', 'team-a/policy.yaml': 'team-a' };
    assert.deepEqual(await read(), texts);
  });

  it('is never read half before and half after a volume turned', async () => {
    const names = ['a.yaml', 'b.yaml', 'c.yaml', 'd.yaml'];
    const state = (text: string) => Object.fromEntries(names.map((name) => [name, text]));
    await mount('..state_0', state('0'));
    for (let turn = 1; turn <= 60; turn += 1) {
      await write(Object.fromEntries(names.map((name) => [`..state_${turn}/${name}`, String(turn)])));
      const reading = readDocumentDirectory(root);
      // A little later each time: before, between and after the steps of a reading.
      for (let step = 0; step < 4 * turn; step += 1) await new Promise(setImmediate);
      symlinkSync(`..state_${turn}`, path.join(root, '..turned'));
      renameSync(path.join(root, '..turned'), path.join(root, '..data'));
      for (const name of ['a.yaml', 'c.yaml']) unlinkSync(path.join(root, `..state_${turn - 1}`, name));
      const texts = await reading;
      assert.equal(texts.size, names.length, `turn ${turn}`);
      assert.equal(new Set(texts.values()).size, 1, `turn ${turn}`);
    }
  });

  it('may be a link itself, as git-sync keeps it', async () => {
    await write({ 'worktree/a.yaml': 'a' });
    await symlink('worktree', path.join(root, 'current'));
    assert.deepEqual(Object.fromEntries(await readDocumentDirectory(path.join(root, 'current'))), { 'a.yaml': 'a' });
  });

  it('follows no other link, and does not pass over one in silence', async () => {
    await symlink('/etc/hostname', path.join(root, 'a.yaml'));
    await refuses('a.yaml is a symbolic link, which is followed only in a mounted volume');
    await rm(path.join(root, 'a.yaml'));
    await symlink('/etc', path.join(root, 'etc'));
    await refuses('etc is a symbolic link');
    await rm(path.join(root, 'etc'));
    await symlink('nowhere', path.join(root, 'dangling.json'));
    await refuses('dangling.json is a symbolic link');
    await rm(path.join(root, 'dangling.json'));
    await symlink('/etc/hostname', path.join(root, 'notes.txt'));
    assert.deepEqual(await read(), {});
  });

  it('is no volume when its link leads elsewhere', async () => {
    for (const target of ['/etc', '.', '..']) {
      await symlink(target, path.join(root, '..data'));
      await refuses('..data leads out of its volume');
      await rm(path.join(root, '..data'));
    }
  });

  it('waits for no pipe', async () => {
    execFileSync('mkfifo', [path.join(root, 'pipe.yaml')]);
    await refuses('pipe.yaml is not a regular file');
  });

  it('holds files of at most 1 MiB', async () => {
    await write({ 'large.yaml': '' });
    await truncate(path.join(root, 'large.yaml'), MAX_FILE_BYTES);
    assert.equal((await readDocumentDirectory(root)).get('large.yaml')?.length, MAX_FILE_BYTES);
    await truncate(path.join(root, 'large.yaml'), MAX_FILE_BYTES + 1);
    await refuses('large.yaml is larger than 1048576 bytes');
  });

  it('holds at most 64 MiB', async () => {
    for (let n = 0; n < 65; n += 1) {
      await write({ [`${n}.yaml`]: '' });
      await truncate(path.join(root, `${n}.yaml`), MAX_FILE_BYTES - (n === 0 ? 1 : 0));
    }
    await refuses('holds more than 67108864 bytes');
  });

  it('is at most 8 directories deep', async () => {
    const deep = (levels: number) => `${Array.from({ length: levels }, () => 'd/').join('')}a.yaml`;
    await write({ [deep(7)]: '' });
    assert.deepEqual(Object.keys(await read()), [deep(7)]);
    await write({ [deep(8)]: '' });
    await refuses('is nested deeper than 8 directories');
  });

  it('names what it may not read', async function () {
    if (process.getuid?.() === 0) this.skip();
    await write({ 'shop/secret.yaml': '' });
    await chmod(path.join(root, 'shop/secret.yaml'), 0o000);
    await refuses('shop/secret.yaml may not be read by this user');
  });
});
