// The folder that keys and signatures go to. It is never made: a slip of the pen in `--out` would otherwise put
// a private key where nobody looks for it.
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { CommandError, EXIT } from '../exit-codes.ts';

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'is not a folder',
  EACCES: 'may not be read by this user',
};

/** @throws CommandError 73 naming the file and the folder that it cannot be in. */
export async function demandFolderOf(file: string): Promise<void> {
  const folder = path.dirname(file);
  const problem = await folderProblem(folder);
  if (problem !== undefined) throw new CommandError(EXIT.cannotCreate, `cannot write ${file}: ${folder} ${problem}`);
}

async function folderProblem(folder: string): Promise<string | undefined> {
  try {
    return (await stat(folder)).isDirectory() ? undefined : 'is not a folder';
  } catch (cause) {
    const code = cause instanceof Error && 'code' in cause ? String(cause.code) : 'unknown failure';
    return WORDS[code] ?? `cannot be used (${code})`;
  }
}
