// Which commit a folder is a checkout of, read as Git lays its files out (gitrepository-layout(5)), without running Git on
// what somebody else may write. A folder of git-sync says it in its path: `.worktrees/<commit>`.
import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import path from 'node:path';

const COMMIT = /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/;
const REF = /^ref: (refs\/[\w./-]+)$/;
/** Of `packed-refs` with very many tags; the rest is a line long. */
const MAX_BYTES = 16 * 1024 * 1024;

/** @returns 40 or 64 hex digits; nothing for what is no checkout, or one that cannot be read so. Never throws. */
export async function gitRevisionOf(folder: string): Promise<string | undefined> {
  try {
    const real = await realpath(folder);
    const named = real.split(path.sep).findLast((part) => COMMIT.test(part));
    return named ?? (await headAbove(real));
  } catch {
    // A revision is shown to people and decides nothing.
    return undefined;
  }
}

/** Of the innermost repository that the folder is in. */
async function headAbove(folder: string): Promise<string | undefined> {
  for (let place = folder; ; place = path.dirname(place)) {
    const gitFolder = await gitFolderIn(place);
    const head = gitFolder === undefined ? undefined : await lineOf(path.join(gitFolder, 'HEAD'));
    if (gitFolder !== undefined && head !== undefined) return commitOf(head, gitFolder);
    if (place === path.dirname(place)) return undefined;
  }
}

/** Of a further worktree, and of a submodule, `.git` is a file that says where it is. */
async function gitFolderIn(place: string): Promise<string | undefined> {
  const git = path.join(place, '.git');
  if ((await lineOf(path.join(git, 'HEAD'))) !== undefined) return git;
  const [, elsewhere] = /^gitdir: (.+)$/.exec((await lineOf(git)) ?? '') ?? [];
  return elsewhere === undefined ? undefined : path.resolve(place, elsewhere);
}

async function commitOf(head: string, gitFolder: string): Promise<string | undefined> {
  if (COMMIT.test(head)) return head;
  const [, ref] = REF.exec(head) ?? [];
  if (ref === undefined || ref.includes('..')) return undefined;
  const shared = await lineOf(path.join(gitFolder, 'commondir'));
  const common = shared === undefined ? gitFolder : path.resolve(gitFolder, shared);
  const loose = (await lineOf(path.join(gitFolder, ref))) ?? (await lineOf(path.join(common, ref)));
  return loose !== undefined && COMMIT.test(loose) ? loose : packedCommit(ref, common);
}

async function packedCommit(ref: string, gitFolder: string): Promise<string | undefined> {
  const lines = (await textOf(path.join(gitFolder, 'packed-refs')))?.split('\n') ?? [];
  const [commit] = lines.find((line) => line.endsWith(` ${ref}`))?.split(' ') ?? [];
  return commit !== undefined && COMMIT.test(commit) ? commit : undefined;
}

async function lineOf(file: string): Promise<string | undefined> {
  return (await textOf(file))?.split('\n', 1)[0]?.trim();
}

/** Nothing for what is not there, is no file, or is larger than anything that is looked for. */
async function textOf(file: string): Promise<string | undefined> {
  try {
    // A pipe must not keep us waiting: whoever writes the checkout would have nobody look at it again.
    await using handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK);
    const stats = await handle.stat();
    return stats.isFile() && stats.size <= MAX_BYTES ? await handle.readFile('utf8') : undefined;
  } catch {
    return undefined;
  }
}
