import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { gitRevisionOf } from '../../../src/adapters/files/git-revision.ts';

const [COMMIT, OTHER] = ['a1'.repeat(20), 'b2'.repeat(20)];

describe('The commit of a checkout', () => {
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(path.join(tmpdir(), 'capstan-git-'));
  });
  afterEach(async () => rm(folder, { recursive: true }));

  const put = async (name: string, text: string): Promise<void> => {
    const place = path.join(folder, name);
    await mkdir(path.dirname(place), { recursive: true });
    await writeFile(place, text);
  };
  const revision = async (below = ''): Promise<string | undefined> => gitRevisionOf(path.join(folder, below));

  it('is in the path that the link of git-sync leads to', async () => {
    await put(`.worktrees/${COMMIT}/policies/a.yaml`, '');
    await symlink(`.worktrees/${COMMIT}`, path.join(folder, 'current'));
    assert.equal(await revision('current/policies'), COMMIT);
  });

  it('is that of the branch, also seen from a folder within', async () => {
    await put('.git/HEAD', 'ref: refs/heads/main\n');
    await put('.git/refs/heads/main', `${COMMIT}\n`);
    await put('policies/shop/a.yaml', '');
    assert.equal(await revision('policies/shop'), COMMIT);
  });

  it('is found among packed references', async () => {
    await put('.git/HEAD', 'ref: refs/heads/main\n');
    await put(
      '.git/packed-refs',
      `# pack-refs with: peeled\n${OTHER} refs/heads/not-main\n${COMMIT} refs/heads/main\n`,
    );
    assert.equal(await revision(), COMMIT);
  });

  it('is that of a worktree of its own', async () => {
    await put('tree/.git', `gitdir: ../repository/.git/worktrees/tree\n`);
    await put('repository/.git/HEAD', 'ref: refs/heads/main\n');
    await put('repository/.git/refs/heads/main', `${OTHER}\n`);
    await put('repository/.git/refs/heads/release', `${COMMIT}\n`);
    await put('repository/.git/worktrees/tree/HEAD', 'ref: refs/heads/release\n');
    await put('repository/.git/worktrees/tree/commondir', '../..\n');
    assert.equal(await revision('tree'), COMMIT);
  });

  it('is what HEAD says itself when no branch is checked out', async () => {
    await put('.git/HEAD', `${'c3'.repeat(32)}\n`);
    assert.equal(await revision(), 'c3'.repeat(32));
  });

  const unknown: readonly [string, Readonly<Record<string, string>>][] = [
    ['of a folder that is no checkout', { 'a.yaml': '' }],
    ['of a branch that has no commit yet', { '.git/HEAD': 'ref: refs/heads/main\n' }],
    ['of a reference that leads out of the repository', { '.git/HEAD': 'ref: refs/../../secret\n', secret: COMMIT }],
    ['of what is no reference', { '.git/HEAD': 'anything\n' }],
  ];
  for (const [what, files] of unknown) {
    it(`is not known ${what}`, async () => {
      for (const [name, text] of Object.entries(files)) await put(name, text);
      assert.equal(await revision(), undefined);
    });
  }

  for (const pipe of ['.git', '.git/HEAD', '.git/refs/heads/main', '.git/packed-refs']) {
    it(`is not known where ${pipe} is a pipe, which keeps nobody waiting`, async () => {
      const place = path.join(folder, pipe);
      if (pipe !== '.git') await put('.git/HEAD', 'ref: refs/heads/main\n');
      await rm(place, { force: true });
      await mkdir(path.dirname(place), { recursive: true });
      execFileSync('mkfifo', [place]);
      assert.equal(await revision(), undefined);
    });
  }

  it('is not known of a folder that is not there', async () => {
    assert.equal(await revision('gone'), undefined);
  });
});
