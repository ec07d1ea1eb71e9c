// Policy documents out of the files and directories that somebody names.
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { parsePolicyDocuments, type ParsedDocument } from '../../adapters/policy/parse-documents.ts';
import { readPolicyDirectory } from '../../adapters/policy/policy-directory.ts';
import { AuthorityError } from '../../domain/errors.ts';
import type { Problem } from '../../domain/position.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import { readInput } from '../files.ts';

export interface ReadDocuments {
  /** Every file that was read, in order. */
  readonly places: readonly string[];
  readonly documents: readonly ParsedDocument[];
  readonly problems: readonly Problem[];
}

/**
 * @param paths files, and directories of `*.yaml`, `*.yml` and `*.json`.
 * @returns what could be parsed, and everything that could not. A file that is named twice is read once.
 * @throws CommandError 2 naming the path that cannot be read.
 */
export async function readDocuments(paths: readonly string[]): Promise<ReadDocuments> {
  const texts = new Map<string, string>();
  for (const each of paths) for (const [place, text] of await textsOf(each)) texts.set(place, text);
  const parsed = [...texts].map(([place, text]) => parsePolicyDocuments(text, place));
  return {
    places: [...texts.keys()],
    documents: parsed.flatMap(({ documents }) => documents),
    problems: parsed.flatMap(({ problems }) => problems),
  };
}

async function textsOf(named: string): Promise<ReadonlyMap<string, string>> {
  try {
    if (!(await isDirectory(named))) return new Map([[path.normalize(named), await readInput(named)]]);
    const files = await readPolicyDirectory(named);
    return new Map([...files].map(([file, text]) => [path.join(named, file), text]));
  } catch (cause) {
    if (cause instanceof CommandError || cause instanceof AuthorityError) {
      throw new CommandError(EXIT.unreadable, cause.message, { cause });
    }
    throw cause;
  }
}

/** What is not there is left to the reader of files, which says so. */
async function isDirectory(named: string): Promise<boolean> {
  const found = await stat(named).catch(() => undefined);
  return found?.isDirectory() === true;
}
