import assert from 'node:assert/strict';
import { renameSync, symlinkSync } from 'node:fs';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { DirectoryListing } from '../../../../src/adapters/policy/source/directory-listing.ts';

describe('A listing of a directory', () => {
  let root: string;

  beforeEach(async () => (root = await mkdtemp(path.join(tmpdir(), 'capstan-listing-'))));
  afterEach(async () => rm(root, { recursive: true }));

  it('knows where a volume led, and that it has turned since', async () => {
    await mkdir(path.join(root, '..one'));
    await mkdir(path.join(root, '..two'));
    await writeFile(path.join(root, '..one/a.yaml'), '');
    await symlink('..one', path.join(root, '..data'));
    const listing = new DirectoryListing(/\.yaml$/);
    await listing.add(root, '');
    assert.deepEqual(listing.files, [{ name: 'a.yaml', place: path.join(root, '..one/a.yaml') }]);
    assert.equal(await listing.isCurrent(), true);
    symlinkSync('..two', path.join(root, '..new'));
    renameSync(path.join(root, '..new'), path.join(root, '..data'));
    assert.equal(await listing.isCurrent(), false);
  });

  it('has at most 10,000 files', async () => {
    const listing = new DirectoryListing(/\.yaml$/);
    listing.files.push(...Array.from({ length: 9_999 }, (_, n) => ({ name: `${n}.yaml`, place: `/${n}.yaml` })));
    await writeFile(path.join(root, 'a.yaml'), '');
    await listing.add(root, '');
    await assert.rejects(listing.add(root, ''), { reason: 'CAP-X03', message: /a\.yaml is beyond 10000 files/ });
  });
});
