import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { AuthorityError } from '../../../../src/domain/errors.ts';
import { folderAt } from './folder-at.ts';

const PROGRAM = path.join(import.meta.dirname, 'roll-again.ts');
const FILES = ['tls.crt', 'tls.key', 'ca.crt'];
const KILLS = 12;

const all = (text: string) => ({ chain: text, key: text, anchors: text });
const taken = async (): Promise<void> => undefined;
const refused = async (): Promise<void> => {
  throw new AuthorityError('CAP-X03', { detail: 'no' });
};

describe('The pairs in the folder of an issuer', function () {
  this.timeout(120_000);
  let directory: string;
  beforeEach(async () => {
    directory = path.join(await mkdtemp(path.join(tmpdir(), 'capstan-pairs-')), 'issuer');
  });
  afterEach(async () => rm(path.dirname(directory), { recursive: true }));

  const inForce = async () =>
    (await Promise.all(FILES.map(async (file) => readFile(path.join(directory, file), 'utf8')))).join();
  const generations = async () => (await readdir(directory)).filter((name) => name.startsWith('..generation-')).length;
  const state = async () => {
    const folder = folderAt(directory);
    const [prepared, former] = [await folder.kept('prepared'), await folder.kept('former')];
    return [await folder.current('chain'), prepared?.chain, former?.chain];
  };

  it('are prepared beside the one in force, exchanged in one step, and go back in another', async () => {
    const folder = folderAt(directory);
    await folder.install(all('one'), taken);
    await folder.prepare(all('two'), taken);
    assert.equal(await inForce(), 'one,one,one');
    assert.deepEqual(await state(), ['one', 'two', undefined]);
    await folder.activate(taken);
    assert.equal(await inForce(), 'two,two,two');
    assert.deepEqual(await state(), ['two', undefined, 'one']);
    await folder.revert(taken);
    assert.equal(await inForce(), 'one,one,one');
    assert.deepEqual(await state(), ['one', undefined, 'two']);
    assert.equal(await generations(), 2);
    await folder.discard('former');
    assert.deepEqual(await state(), ['one', undefined, undefined]);
    assert.equal(await generations(), 1);
  });

  it('let go of the key that waited, and keep one that waits for another certificate', async () => {
    const folder = folderAt(directory);
    await folder.keepNextKey('two');
    await folder.prepare(all('two'), taken);
    assert.equal(await folder.nextKey(), undefined);
    await folder.keepNextKey('three');
    await folder.activate(taken);
    assert.equal(await folder.nextKey(), 'three');
  });

  it('stay as they are when what is to come in force is refused', async () => {
    const folder = folderAt(directory);
    await folder.install(all('one'), taken);
    await assert.rejects(folder.prepare(all('two'), refused), /CAP-X03/);
    assert.deepEqual(await state(), ['one', undefined, undefined]);
    await folder.prepare(all('two'), taken);
    await assert.rejects(folder.activate(refused), /CAP-X03/);
    assert.deepEqual(await state(), ['one', 'two', undefined]);
    await folder.activate(taken);
    await assert.rejects(folder.revert(refused), /CAP-X03/);
    assert.deepEqual(await state(), ['two', undefined, 'one']);
  });

  it('begin with files that an operator put there, in the shape of Istio or of Kubernetes', async () => {
    const folder = folderAt(directory);
    await folder.keepNextKey('two');
    for (const file of ['ca-cert.pem', 'ca-key.pem', 'cert-chain.pem', 'root-cert.pem'])
      await writeFile(path.join(directory, file), file, { mode: 0o600 });
    assert.equal(await folder.current('chain'), 'ca-cert.pem\ncert-chain.pem');
    await folder.prepare(all('two'), taken);
    await folder.activate(taken);
    assert.deepEqual(await state(), ['two', undefined, 'ca-cert.pem\ncert-chain.pem']);
    assert.equal((await folder.kept('former'))?.key, 'ca-key.pem');
  });

  it('are found after a crash between the two links of an exchange', async () => {
    const folder = folderAt(directory);
    await folder.install(all('one'), taken);
    await folder.prepare(all('two'), taken);
    const one = (await readdir(directory)).find((name) => name.startsWith('..generation-'));
    // Not begun: what is about to leave is in force.
    const data = await folder.current('chain');
    assert.equal(data, 'one');
    await symlink(one ?? '', path.join(directory, '..leaving'));
    await folder.activate(taken);
    assert.deepEqual(await state(), ['two', undefined, 'one']);
  });

  it('are whole, and none is lost, whenever the process that exchanges them is killed', async () => {
    for (let kill = 0; kill < KILLS; kill += 1) {
      const child = fork(PROGRAM, [directory, String(kill * 1_000_000)]);
      await once(child, 'message');
      // Anywhere in the milliseconds that one round takes.
      await sleep(Math.random() * 30);
      child.kill('SIGKILL');
      await once(child, 'exit');
      const found = (await inForce()).split(',');
      assert.equal(new Set(found).size, 1, found.join(', '));
      const [current, prepared, former] = await state();
      assert.ok(former !== undefined && former !== current, 'there is a way back, once there was an exchange');
      assert.ok(prepared !== current, 'what is prepared is not in force');
    }
    const folder = folderAt(directory);
    await folder.prepare(all('last'), taken);
    await folder.activate(taken);
    assert.equal(await inForce(), 'last,last,last');
    assert.equal(await generations(), 2);
  });
});
