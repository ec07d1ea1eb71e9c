// A small state file beside the journal: read and replaced whole, at start and in threads that may wait for the disk.
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { codeOf, fileProblem, writingProblem } from '../../../domain/text/system-error.ts';
import { JournalProblem } from '../sqlite/file/journal-problem.ts';

/** @returns nothing when there is no such file. @throws JournalProblem naming one that cannot be read. */
export function readSmallFile(file: string): string | undefined {
  try {
    return readFileSync(file, 'utf8');
  } catch (cause) {
    if (codeOf(cause) === 'ENOENT') return undefined;
    throw new JournalProblem('file', `${file} ${fileProblem(cause)}`, { cause });
  }
}

/**
 * In one step that outlives a power cut; only this user may read it.
 * @throws JournalProblem naming the file; what was there stays.
 */
export function replaceSmallFile(file: string, text: string): void {
  const fresh = `${file}.new`;
  try {
    // A server that was killed may have left one behind.
    rmSync(fresh, { force: true });
    // Not `writeSync`, which on a disk that fills up writes a part, and says so by a number alone.
    synced(openSync(fresh, 'wx', 0o600), (handle) => writeFileSync(handle, text));
    renameSync(fresh, file);
    // A name is durable only when its folder is.
    synced(openSync(path.dirname(file), 'r'));
  } catch (cause) {
    throw new JournalProblem('file', `${file} ${writingProblem(cause)}`, { cause });
  }
}

function synced(handle: number, write: (handle: number) => void = () => undefined): void {
  try {
    write(handle);
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}
