// Steps on files that a power cut leaves done or undone. What they throw is what the system says.
import { lstat, open, readlink, rename, rm, symlink } from 'node:fs/promises';
import path from 'node:path';

const PRIVATE = 0o600;

/** A file that is not there yet; only this user may read it. */
export async function writeNew(file: string, text: string): Promise<void> {
  await using handle = await open(file, 'wx', PRIVATE);
  await handle.writeFile(text);
  await handle.sync();
}

/** A name is durable only when its folder is. */
export async function flushFolder(folder: string): Promise<void> {
  await using handle = await open(folder, 'r');
  await handle.sync();
}

export async function isLink(file: string): Promise<boolean> {
  return lstat(file).then(
    (facts) => facts.isSymbolicLink(),
    () => false,
  );
}

/** The link leads to `target` from then on, whatever it led to before. */
export async function pointTo(link: string, target: string): Promise<void> {
  const fresh = `${link}_tmp`;
  await rm(fresh, { force: true });
  await symlink(target, fresh);
  await rename(fresh, link);
  await flushFolder(path.dirname(link));
}

/** @returns where the link leads to; nothing where there is none. */
export async function targetOf(link: string): Promise<string | undefined> {
  return readlink(link).catch((error: unknown) => {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined;
    throw error;
  });
}
