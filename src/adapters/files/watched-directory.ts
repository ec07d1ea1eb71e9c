// A directory tree that operators or an orchestrator change while the server runs. A watch on each folder
// tells soon; reading again every half minute tells for certain, because watches can be lost.
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import { watchLoop, type WatchedThing } from '../../live/watch-loop.ts';
import type { DocumentSource } from '../../ports/platform/document-source.ts';
import { watchPlaceOf, type Watching } from './watch-folder.ts';
import { FILE_PACE } from './watched-files.ts';

export interface WatchedDirectory<Texts> {
  readonly root: string;
  /** Reads all of it; names are paths below the root. As DocumentSource.read. */
  readonly read: (root: string) => Promise<Texts>;
}

/** Changes in folders beyond these are found by reading again. */
const MAX_FOLDERS = 1_000;
const MAX_DEPTH = 8;

export function watchedDirectory<Texts>(
  { root, read }: WatchedDirectory<Texts>,
  watching: Watching,
): DocumentSource<Texts> {
  const resolved = path.resolve(root);
  return {
    read: async () => read(resolved),
    placeOf: (name) => path.join(resolved, name),
    onChange: (listener, options) => void follow(resolved, listener, watching, options),
  };
}

async function follow(
  root: string,
  listener: () => Promise<void> | void,
  { clock, watchFolder }: Watching,
  options: { readonly signal: AbortSignal },
): Promise<void> {
  const watch: WatchedThing['watch'] = async (changed, round) => {
    await watchPlaceOf(root, changed, watchFolder, round);
    const folders = await foldersOf(root);
    await Promise.all(folders.map((folder) => watchFolder(folder, changed, round)));
  };
  await watchLoop({ watch, read: listener }, clock, FILE_PACE, options);
}

/** Level by level, so that the bound cuts off the deepest. What cannot be listed is not watched. */
async function foldersOf(root: string): Promise<readonly string[]> {
  const folders = [root];
  let level: readonly string[] = [root];
  for (let depth = 1; depth < MAX_DEPTH && folders.length < MAX_FOLDERS; depth += 1) {
    level = (await Promise.all(level.slice(0, MAX_FOLDERS).map(foldersIn))).flat();
    folders.push(...level.slice(0, MAX_FOLDERS - folders.length));
  }
  return folders;
}

async function foldersIn(folder: string): Promise<readonly string[]> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isDirectory() && !entry.name.startsWith('.'))
    .map(({ name }) => path.join(folder, name));
}
