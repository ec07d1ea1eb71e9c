// The folder that keys and signatures go to. It is never made: a slip of the pen in `--out` would otherwise put
// a private key where nobody looks for it.
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { directoryProblem } from '../../domain/text/system-error.ts';
import { CommandError, EXIT } from '../exit-codes.ts';

/** @throws CommandError 73 naming the file and the folder that it cannot be in. */
export async function demandFolderOf(file: string): Promise<void> {
  const folder = path.dirname(file);
  const problem = await folderProblem(folder);
  if (problem !== undefined) throw new CommandError(EXIT.cannotCreate, `cannot write ${file}: ${folder} ${problem}`);
}

async function folderProblem(folder: string): Promise<string | undefined> {
  try {
    return (await stat(folder)).isDirectory() ? undefined : 'is not a directory';
  } catch (cause) {
    return directoryProblem(cause);
  }
}
