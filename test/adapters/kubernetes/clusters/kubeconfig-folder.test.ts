import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { readKubeconfigFolder } from '../../../../src/adapters/kubernetes/clusters/kubeconfig-folder.ts';

describe('A folder of kubeconfigs', () => {
  let folder: string;
  beforeEach(async () => (folder = await mkdtemp(path.join(tmpdir(), 'capstan-kubeconfigs-'))));
  afterEach(async () => rm(folder, { recursive: true }));

  it('says what is wrong with one, and has the others read, also where it is a pipe', async () => {
    await writeFile(path.join(folder, 'east'), 'apiVersion: v1\n');
    await writeFile(path.join(folder, 'large'), Buffer.alloc(300 * 1024));
    execFileSync('mkfifo', [path.join(folder, 'west')]);
    const found = await readKubeconfigFolder(folder);
    assert.deepEqual(
      [...found.values()].map((one) => ('text' in one ? one.text : one.problem)),
      ['apiVersion: v1\n', 'is larger than 262144 bytes', 'is no regular file'],
    );
  });
});
