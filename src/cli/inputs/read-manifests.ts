// Manifests of the files and directories that somebody names: what cannot be read is a problem with its place, and
// hides nothing but itself.
import { stat } from 'node:fs/promises';
import path from 'node:path';
import { readManifestDirectory } from '../../adapters/kubernetes/manifests/manifest-directory.ts';
import {
  joinManifests,
  readManifestFile,
  withoutTemplates,
} from '../../adapters/kubernetes/manifests/read-manifests.ts';
import type { Manifests, ManifestDefaults } from '../../adapters/kubernetes/manifests/read-manifests.ts';
import { MAX_FILE_BYTES } from '../../yaml/read-yaml.ts';
import { AuthorityError } from '../../domain/errors.ts';
import { compareText } from '../../domain/text/compare-text.ts';
import type { Problem } from '../../domain/text/position.ts';
import { CommandError, EXIT } from '../exit-codes.ts';
import { readInput, STANDARD_INPUT } from './files.ts';

/**
 * @param paths files, directories, and `-` for standard input.
 * @throws CommandError 2 naming a path that is not there.
 */
export async function readManifestPaths(paths: readonly string[], defaults?: ManifestDefaults): Promise<Manifests> {
  const texts = new Map<string, string>();
  const unread: Problem[] = [];
  for (const named of paths) {
    const found = await textsOf(named);
    for (const [place, text] of found.texts) texts.set(place, text);
    for (const [place, problem] of found.unreadable)
      unread.push({ position: { place, line: 1, column: 1 }, path: '', problem });
  }
  const places = [...texts].sort(([a], [b]) => compareText(a, b));
  const files = withoutTemplates(places.map(([place, text]) => readManifestFile(text, place)));
  const joined = joinManifests(files, defaults);
  return { ...joined, problems: [...unread, ...joined.problems] };
}

async function textsOf(named: string) {
  const beside = (file: string): string => path.join(named, file);
  try {
    if (named === STANDARD_INPUT || (await stat(named).catch(() => undefined))?.isDirectory() !== true) {
      const place = named === STANDARD_INPUT ? 'stdin' : path.normalize(named);
      return {
        texts: new Map([[place, await readInput(named, { maxBytes: MAX_FILE_BYTES })]]),
        unreadable: new Map<string, string>(),
      };
    }
    const { texts, unreadable } = await readManifestDirectory(named);
    return {
      texts: new Map([...texts].map(([file, text]) => [beside(file), text])),
      unreadable: new Map([...unreadable].map(([file, problem]) => [beside(file), problem])),
    };
  } catch (cause) {
    if (!(cause instanceof CommandError) && !(cause instanceof AuthorityError)) throw cause;
    const line = cause instanceof AuthorityError ? `cannot read ${cause.detail ?? named}` : cause.message;
    throw new CommandError(EXIT.unreadable, line, { cause });
  }
}
