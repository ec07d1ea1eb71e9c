import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readOwners, type OwnerTexts } from '../../../../src/adapters/policy/source/read-owners.ts';

describe('The files of local policies, by owner,', () => {
  let root: string;
  beforeEach(async () => (root = await mkdtemp(path.join(tmpdir(), 'capstan-owners-'))));
  afterEach(async () => rm(root, { recursive: true }));

  async function write(files: Readonly<Record<string, string>>): Promise<void> {
    for (const [name, text] of Object.entries(files)) {
      await mkdir(path.dirname(path.join(root, name)), { recursive: true });
      await writeFile(path.join(root, name), text);
    }
  }
  const format = (one: OwnerTexts): unknown => ('texts' in one ? Object.fromEntries(one.texts) : one.problem.detail);
  const read = async (): Promise<unknown> =>
    Object.fromEntries([...(await readOwners(root))].map(([owner, one]) => [owner, format(one)]));

  it('are the folder’s, whatever its depth, and the cluster layer’s outside the folders of namespaces', async () => {
    await write({
      'a.yaml': '1',
      '_shared/b.yaml': '2',
      'Shop/c.yaml': '3',
      'shop/d.yaml': '4',
      'shop/deep/e.json': '5',
    });
    await write({ 'pay/notes.txt': '', license: 'ours', '.git/x.yaml': '' });
    const { '*': cluster, shop, pay } = (await read()) as Record<string, unknown>;
    assert.deepEqual(cluster, { 'Shop/c.yaml': '3', '_shared/b.yaml': '2', 'a.yaml': '1' });
    assert.deepEqual(shop, { 'shop/d.yaml': '4', 'shop/deep/e.json': '5' });
    assert.deepEqual(pay, {});
  });

  it('may lie in a mounted volume, whole or one for each namespace', async () => {
    await write({ '..v1/a.yaml': '1', '..v1/shop/b.yaml': '2', 'pay/..v1/c.yaml': '3', 'pay/..v1/lab/d.yaml': '4' });
    for (const [link, to] of [
      ['..data', '..v1'],
      ['a.yaml', '..data/a.yaml'],
      ['shop', '..data/shop'],
      ['pay/..data', '..v1'],
    ] as const) {
      await symlink(to, path.join(root, link));
    }
    assert.deepEqual(await read(), {
      '*': { 'a.yaml': '1' },
      shop: { 'shop/b.yaml': '2' },
      pay: { 'pay/c.yaml': '3', 'pay/lab/d.yaml': '4' },
    });
  });

  it('are nobody else’s problem when a folder of theirs is a link, or holds a file twice', async () => {
    await write({ 'shop/a.yaml': '1', 'x.yaml': '2' });
    await symlink('shop', path.join(root, 'pay'));
    const { '*': cluster, shop, pay } = (await read()) as Record<string, unknown>;
    assert.deepEqual([cluster, shop], [{ 'x.yaml': '2' }, { 'shop/a.yaml': '1' }]);
    assert.match(String(pay), /pay is a symbolic link/);
    await write({ '..v1/shop/a.yaml': '3' });
    await rm(path.join(root, 'pay'));
    await symlink('..v1', path.join(root, '..data'));
    const twice = (await read()) as Record<string, unknown>;
    assert.match(String(twice['shop']), /shop\/a\.yaml is there twice: as /);
    assert.deepEqual(twice['*'], { 'x.yaml': '2' });
    await write({ '..v1/x.yaml': '4' });
    assert.match(String(((await read()) as Record<string, unknown>)['*']), /x\.yaml is there twice: as /);
  });

  it('that never rest hold up their owner alone', async () => {
    await write({ 'x.yaml': '2', 'shop/a.yaml': '0' });
    const rest = new AbortController();
    const turning = (async () => {
      for (let n = 0; !rest.signal.aborted; n += 1) {
        await rename(
          path.join(root, `shop/${n % 2 === 0 ? 'a' : 'b'}.yaml`),
          path.join(root, `shop/${n % 2 === 0 ? 'b' : 'a'}.yaml`),
        );
      }
    })();
    for (let n = 0; n < 50; n += 1) {
      const { '*': cluster } = (await read()) as Record<string, unknown>;
      assert.deepEqual(cluster, { 'x.yaml': '2' });
    }
    rest.abort();
    await turning;
  });

  it('of all namespaces have 64 MiB; those that hold most go without first', async function () {
    this.timeout(60_000);
    const large = '#'.repeat(1024 * 1024);
    for (let n = 0; n < 65; n += 1) await write({ [`n${n}/a.yaml`]: n === 7 ? 'small' : large });
    await write({ 'x.yaml': large, 'n64/a.yaml': 'smaller' });
    const found = await readOwners(root);
    assert.equal([...found.values()].filter((one) => 'problem' in one).length, 0);
    await write({ 'n64/a.yaml': large });
    const refused = [...(await readOwners(root))].filter(([, one]) => 'problem' in one);
    assert.equal(refused.length, 1);
    assert.notEqual(refused[0]?.[0], 'n7');
    assert.match(String(format(refused[0]![1])), /has no room: all namespaces hold more than 67108864 bytes/);
  });
});
