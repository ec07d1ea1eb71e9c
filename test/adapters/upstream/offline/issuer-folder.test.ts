import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AuthorityError } from '../../../../src/domain/errors.ts';
import { folderAt } from './folder-at.ts';

const PROGRAM = path.join(import.meta.dirname, 'install-again.ts');
const FILES = ['tls.crt', 'tls.key', 'ca.crt'];
const KILLS = 12;

const all = (text: string) => ({ chain: text, key: text, anchors: text });
const taken = async (): Promise<void> => undefined;

describe("The folder of an issuer's ceremony", function () {
  this.timeout(60_000);
  let directory: string;
  beforeEach(async () => {
    directory = path.join(await mkdtemp(path.join(tmpdir(), 'capstan-ceremony-')), 'issuer');
  });
  afterEach(async () => rm(path.dirname(directory), { recursive: true }));

  const texts = async () => Promise.all(FILES.map(async (file) => readFile(path.join(directory, file), 'utf8')));

  it('keeps a key until its certificate is there, for this user alone', async () => {
    const folder = folderAt(directory);
    assert.equal(await folder.nextKey(), undefined);
    await folder.keepNextKey('key');
    assert.equal(await folder.nextKey(), 'key');
    assert.equal((await stat(folder.nextKeyPlace)).mode & 0o777, 0o600);
    assert.equal((await stat(directory)).mode & 0o777, 0o700);
    await assert.rejects(folder.keepNextKey('another'), AuthorityError);
    assert.equal(await folder.nextKey(), 'key');
    await folder.install({ ...all('one'), key: 'key' }, taken);
    assert.equal(await folder.nextKey(), undefined);
    assert.equal((await stat(path.join(directory, 'tls.key'))).mode & 0o777, 0o600);
  });

  it('has what was judged in force, and leaves nothing behind of what was refused', async () => {
    const folder = folderAt(directory);
    await folder.install(all('one'), taken);
    const refuse = async (staged: string): Promise<void> => {
      assert.equal(await readFile(path.join(staged, 'tls.crt'), 'utf8'), 'two');
      throw new AuthorityError('CAP-X03', { detail: 'no' });
    };
    await assert.rejects(folder.install(all('two'), refuse), /CAP-X03/);
    assert.deepEqual(await texts(), ['one', 'one', 'one']);
    assert.equal((await readdir(directory)).filter((name) => name.startsWith('..generation-')).length, 1);
  });

  it('keeps the key that waits when another key gets its certificate', async () => {
    const folder = folderAt(directory);
    await folder.install(all('one'), taken);
    await folder.keepNextKey('next');
    await folder.install({ ...all('two'), key: 'one' }, taken);
    assert.equal(await folder.nextKey(), 'next');
  });

  it('takes no key that others may read, neither the one that waits nor the one in force', async () => {
    const folder = folderAt(directory);
    await folder.keepNextKey('next');
    await chmod(folder.nextKeyPlace, 0o644);
    await assert.rejects(folder.nextKey(), /next\.key has mode 0644/);
    await writeFile(path.join(directory, 'tls.key'), 'own', { mode: 0o644 });
    await assert.rejects(folder.current('key'), /tls\.key has mode 0644/);
  });

  it('is filled by one at a time: another one is told so, and nothing of the first is lost', async () => {
    const [folder, other] = [folderAt(directory), folderAt(directory)];
    await folder.alone(async () => {
      const failed = await other
        .alone(async () => other.install(all('two'), taken))
        .then(
          () => 'taken',
          (error: unknown) => String(error),
        );
      assert.match(failed, /CAP-X03 .*another ceremony is under way/);
      await folder.install(all('one'), taken);
    });
    assert.deepEqual(await texts(), ['one', 'one', 'one']);
    await other.alone(async () => other.install(all('two'), taken));
    assert.deepEqual(await texts(), ['two', 'two', 'two']);
  });

  it('takes files over that an operator put there himself', async () => {
    const folder = folderAt(directory);
    await folder.keepNextKey('key');
    for (const file of FILES) await writeFile(path.join(directory, file), 'own', { mode: 0o600 });
    await folder.install(all('one'), taken);
    assert.deepEqual(await texts(), ['one', 'one', 'one']);
  });

  it('says which folder cannot be written', async () => {
    await writeFile(directory, 'no folder');
    await assert.rejects(folderAt(directory).keepNextKey('key'), (error: unknown) => {
      assert.ok(error instanceof AuthorityError);
      assert.ok(error.message.includes(directory), error.message);
      return true;
    });
  });

  it('has one whole pair in force whenever the process that exchanges them is killed', async () => {
    const seen = new Set<string>();
    for (let kill = 0; kill < KILLS; kill += 1) {
      const child = fork(PROGRAM, [directory, String(kill * 1_000_000)]);
      await once(child, 'message');
      // Anywhere in the milliseconds that one exchange takes.
      await sleep(Math.random() * 20);
      child.kill('SIGKILL');
      await once(child, 'exit');
      const found = await texts();
      assert.equal(new Set(found).size, 1, found.join(', '));
      seen.add(found[0]!);
      assert.match((await folderAt(directory).nextKey()) ?? 'generation', /^generation/, 'a key is whole');
    }
    assert.equal(seen.size, KILLS, 'each process exchanged one pair at least');
    await folderAt(directory).install(all('last'), taken);
    assert.deepEqual(await texts(), ['last', 'last', 'last']);
    assert.equal((await readdir(directory)).filter((name) => name.startsWith('..generation-')).length, 1);
  });
});
