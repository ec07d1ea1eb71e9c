// A directory tree that operators or an orchestrator change while the server runs. A watch on each folder
// tells soon; reading again every half minute tells for certain, because watches can be lost.
import { watch } from 'node:fs';
import { readdir } from 'node:fs/promises';
import path from 'node:path';
import type { Clock } from '../../ports/platform/clock.ts';
import type { DocumentSource } from '../../ports/platform/document-source.ts';

export interface WatchedDirectory<Texts> {
  readonly root: string;
  /** Reads all of it; names are paths below the root. As DocumentSource.read. */
  readonly read: (root: string) => Promise<Texts>;
}

/** Several writes of one edit become one change. */
const DEBOUNCE_MS = 100;
const REREAD_MS = 30_000;
/** Changes in folders beyond these are found by reading again. */
const MAX_FOLDERS = 1_000;
const MAX_DEPTH = 8;

export function watchedDirectory<Texts>({ root, read }: WatchedDirectory<Texts>, clock: Clock): DocumentSource<Texts> {
  const resolved = path.resolve(root);
  return {
    read: async () => read(resolved),
    placeOf: (name) => path.join(resolved, name),
    onChange: (listener, { signal }) => void follow(resolved, listener, clock, signal),
  };
}

/** Each round watches anew before it reads, so that a folder which came, or was itself replaced, is found. */
async function follow(
  root: string,
  listener: () => Promise<void> | void,
  clock: Clock,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    const changed = new AbortController();
    const quiet = { signal: AbortSignal.any([signal, changed.signal]) };
    const ring = (): void => changed.abort();
    // The root may be a link that is turned, which only its own folder sees.
    watchFolder(path.dirname(root), (name) => (name === path.basename(root) ? ring() : undefined), quiet);
    for (const folder of await foldersOf(root)) watchFolder(folder, ring, quiet);
    if (!quiet.signal.aborted) await listener();
    await clock.sleep(REREAD_MS, quiet).catch(() => undefined);
    changed.abort();
    await clock.sleep(DEBOUNCE_MS, { signal }).catch(() => undefined);
  }
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

function watchFolder(
  folder: string,
  ring: (name: string | null) => void,
  { signal }: { readonly signal: AbortSignal },
): void {
  try {
    // A watch that breaks is no loss: the periodic reading goes on.
    watch(folder, { signal }, (_, name) => ring(name)).on('error', () => undefined);
  } catch {
    // Neither is one that never began, as on file systems without notification.
  }
}
