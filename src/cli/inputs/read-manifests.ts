// Manifests of the files and directories that somebody names, and the table of kinds that they may need.
import path from 'node:path';
import { readKindTable, type KindTable } from '../../adapters/kubernetes/manifests/kind-table.ts';
import { readManifestDirectory } from '../../adapters/kubernetes/manifests/manifest-directory.ts';
import { AS_KUBERNETES } from '../../yaml/yaml-rules.ts';
import type { Problem } from '../../domain/text/position.ts';
import type { ManifestTexts } from '../../review/sources/manifest-texts.ts';
import type { SourceText } from '../../review/sources/policy-texts.ts';
import { UnusableInput } from '../problems.ts';
import { readInput, STANDARD_INPUT } from './files.ts';
import { isDirectory, orUnreadable } from './read-texts.ts';

/**
 * @param paths files, directories, and `-` for standard input; a file that is named twice is read once.
 * @throws CommandError 2 naming a path that is not there.
 */
export async function readManifestTexts(paths: readonly string[]): Promise<ManifestTexts> {
  const texts = new Map<string, SourceText>();
  const unreadable: Problem[] = [];
  for (const named of paths) {
    const found = await orUnreadable(named, async () => textsOf(named));
    for (const text of found.texts) texts.set(text.place, text);
    unreadable.push(...found.unreadable);
  }
  return { texts: [...texts.values()], unreadable };
}

async function textsOf(named: string): Promise<ManifestTexts> {
  if (named === STANDARD_INPUT || !(await isDirectory(named))) {
    const place = named === STANDARD_INPUT ? 'stdin' : path.normalize(named);
    return { texts: [{ place, text: await readInput(named, { maxBytes: AS_KUBERNETES.maxBytes }) }], unreadable: [] };
  }
  const { texts, unreadable } = await readManifestDirectory(named);
  const place = (file: string): string => path.join(named, file);
  return {
    texts: [...texts].map(([file, text]) => ({ place: place(file), text })),
    unreadable: [...unreadable].map(([file, problem]) => ({
      position: { place: place(file), line: 1, column: 1 },
      path: '',
      problem,
    })),
  };
}

/** @throws UnusableInput with everything that is wrong with the table. */
export async function readKinds(file: string): Promise<KindTable> {
  const found = readKindTable(await readInput(file), file);
  if ('problems' in found) throw new UnusableInput('the table of kinds', found.problems);
  return found.kinds;
}
