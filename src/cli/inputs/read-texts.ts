// Texts of the files and directories that somebody names on a command line or in a file.
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { readDocumentDirectory } from '../../adapters/policy/source/document-directory.ts';
import { AuthorityError } from '../../domain/errors.ts';
import type { BundleTexts, SourceText } from '../../review/sources/policy-texts.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import { readInput } from './files.ts';

/**
 * @param paths files, and directories of `*.yaml`, `*.yml` and `*.json`.
 * @returns the texts by path; a file that is named twice is there once.
 * @throws CommandError 2 naming the path that cannot be read.
 */
export async function readTexts(paths: readonly string[]): Promise<readonly SourceText[]> {
  const texts = new Map<string, SourceText>();
  for (const named of paths) for (const text of await textsOf(named)) texts.set(text.place, text);
  return [...texts.values()];
}

/** As `readTexts`, of what is to hold one bundle. */
export async function readBundleTexts(named: string): Promise<BundleTexts> {
  return { place: named, texts: await readTexts([named]) };
}

/**
 * What a policy test names beside itself.
 * @param place of the test. @param named relative to it.
 */
export async function readTextsBeside(
  place: string,
  named: string,
): Promise<readonly SourceText[] | { readonly problem: string }> {
  try {
    return await readTexts([path.join(path.dirname(place), named)]);
  } catch (cause) {
    if (!(cause instanceof CommandError)) throw cause;
    return { problem: cause.message };
  }
}

async function textsOf(named: string): Promise<readonly SourceText[]> {
  return orUnreadable(named, async () => {
    if (!(await isDirectory(named))) return [{ place: path.normalize(named), text: await readInput(named) }];
    const files = await readDocumentDirectory(named);
    return [...files].map(([file, text]) => ({
      place: path.join(named, file),
      text,
      file: file.split(path.sep).join('/'),
    }));
  });
}

/** What is not there is left to the reader of files, which says so. */
export async function isDirectory(named: string): Promise<boolean> {
  return (await stat(named).catch(() => undefined))?.isDirectory() === true;
}

/** @throws CommandError 2 where reading throws an error of ours. */
export async function orUnreadable<T>(named: string, read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    if (!(cause instanceof CommandError) && !(cause instanceof AuthorityError)) throw cause;
    const line = cause instanceof AuthorityError ? `cannot read ${cause.detail ?? named}` : cause.message;
    throw new CommandError(EXIT.unreadable, line, { cause });
  }
}
