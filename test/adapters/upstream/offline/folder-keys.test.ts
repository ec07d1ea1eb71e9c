import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { FolderKeys } from '../../../../src/adapters/upstream/offline/folder-keys.ts';
import { NEVER } from '../../../../src/live/abortable.ts';
import { folderAt } from './folder-at.ts';

const options = { signal: NEVER };
const spkiOf = async (pem: string) => (pem === 'sealed' ? undefined : Buffer.from(pem));

describe("The keys in the folder of an issuer's ceremony", () => {
  let directory: string;
  beforeEach(async () => {
    directory = await mkdtemp(path.join(tmpdir(), 'capstan-folder-keys-'));
  });
  afterEach(async () => rm(directory, { recursive: true }));

  it('are that of the certificate and the one that waits for its own, which alone can be given up', async () => {
    const folder = folderAt(directory);
    await folder.install({ chain: 'chain', key: 'first', anchors: 'anchors' }, async () => undefined);
    await folder.keepNextKey('next');
    const keys = new FolderKeys({ folder, spkiOf });
    assert.deepEqual(await keys.keys(options), [
      { label: directory, id: 'tls.key', hasCertificate: true, spki: Buffer.from('first') },
      { label: directory, id: 'next.key', hasCertificate: false, spki: Buffer.from('next') },
    ]);
    await assert.rejects(keys.remove(Buffer.from('first'), options), /CAP-O03/);
    assert.equal(await folder.nextKey(), 'next');
    await keys.remove(Buffer.from('next'), options);
    assert.equal(await folder.nextKey(), undefined);
    assert.equal(await folder.current('key'), 'first');
    await assert.rejects(keys.remove(Buffer.from('next'), options), /CAP-O03/);
  });

  it('are listed without a name where they cannot be opened', async () => {
    const folder = folderAt(directory);
    await folder.keepNextKey('sealed');
    const keys = new FolderKeys({ folder, spkiOf });
    assert.deepEqual(await keys.keys(options), [{ label: directory, id: 'next.key', hasCertificate: false }]);
  });
});
