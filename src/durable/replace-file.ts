// A file that must never be half written, nor be lost once it counts.
import { closeSync, fsyncSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { open, rename, rm } from 'node:fs/promises';
import path from 'node:path';
import { AuthorityError } from '../domain/errors.ts';
import { codeOf, fileProblem, writingProblem } from '../domain/text/system-error.ts';
import { flushFolder, writeNew } from './durable-steps.ts';

/**
 * Replaces a file in one step that outlives a power cut; only this user may read it.
 * @throws AuthorityError CAP-X03 naming the file; what was there stays.
 */
export async function replaceFile(file: string, text: string): Promise<void> {
  const fresh = freshOf(file);
  try {
    await rm(fresh, { force: true });
    await writeNew(fresh, text);
    await rename(fresh, file);
    await flushFolder(path.dirname(file));
  } catch (cause) {
    throw new AuthorityError('CAP-X03', { detail: `${file} ${writingProblem(cause)}`, cause });
  }
}

/**
 * As `replaceFile`, at once: at a start, or where nothing else may come between.
 * @throws what the system says, for its caller to name; what was there stays.
 */
export function replaceFileAtOnce(file: string, text: string): void {
  const fresh = freshOf(file);
  rmSync(fresh, { force: true });
  // Not `writeSync`, which on a disk that fills up writes a part, and says so by a number alone.
  flushed(openSync(fresh, 'wx', 0o600), (handle) => writeFileSync(handle, text));
  renameSync(fresh, file);
  flushed(openSync(path.dirname(file), 'r'), () => undefined);
}

/**
 * @param maxBytes what is longer is cut, and then its reader refuses it.
 * @returns nothing when there is no such file.
 * @throws AuthorityError CAP-X03 naming a file that cannot be read.
 */
export async function readIfThere(file: string, maxBytes: number): Promise<string | undefined> {
  try {
    await using handle = await open(file, 'r');
    const { size } = await handle.stat();
    const { bytesRead, buffer } = await handle.read(Buffer.alloc(Math.min(size + 1, maxBytes)));
    return buffer.toString('utf8', 0, bytesRead);
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return undefined;
    throw new AuthorityError('CAP-X03', { detail: `${file} ${fileProblem(cause)}`, cause });
  }
}

/** Written beside the file that it replaces. A server that was killed may have left one behind. */
function freshOf(file: string): string {
  return `${file}.new`;
}

function flushed(handle: number, write: (handle: number) => void): void {
  try {
    write(handle);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
