// Texts of the files and directories that somebody names on a command line or in a file.
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { readDocumentDirectory } from '../../adapters/policy/source/document-directory.ts';
import { AuthorityError } from '../../domain/errors.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import { readInput } from './files.ts';

/**
 * @param paths files, and directories of `*.yaml`, `*.yml` and `*.json`.
 * @returns the texts by path, a file that is named twice once.
 * @throws CommandError 2 naming the path that cannot be read.
 */
export async function readTexts(paths: readonly string[]): Promise<ReadonlyMap<string, string>> {
  const texts = new Map<string, string>();
  for (const named of paths) for (const [place, text] of await textsOf(named)) texts.set(place, text);
  return texts;
}

async function textsOf(named: string): Promise<ReadonlyMap<string, string>> {
  try {
    if (!(await isDirectory(named))) return new Map([[path.normalize(named), await readInput(named)]]);
    const files = await readDocumentDirectory(named);
    return new Map([...files].map(([file, text]) => [path.join(named, file), text]));
  } catch (cause) {
    if (!(cause instanceof CommandError) && !(cause instanceof AuthorityError)) throw cause;
    const line = cause instanceof AuthorityError ? `cannot read ${cause.detail ?? named}` : cause.message;
    throw new CommandError(EXIT.unreadable, line, { cause });
  }
}

/** What is not there is left to the reader of files, which says so. */
async function isDirectory(named: string): Promise<boolean> {
  return (await stat(named).catch(() => undefined))?.isDirectory() === true;
}
