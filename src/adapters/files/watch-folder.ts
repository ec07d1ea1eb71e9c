// One folder, as the platform tells of its changes. Whoever watches also reads again every so often: a watch may break or
// never begin, as on file systems without notification, and says nothing of it.
import { watch } from 'node:fs';
import path from 'node:path';
import type { Clock } from '../../ports/platform/clock.ts';

/**
 * Watches one folder, or has the process do it that watches for all processes of a server. Resolves when it watches, or
 * will not: it never rejects. Called again for the same folder it watches what is at that path by now.
 * @param changed called with the name below the folder, where the platform knows it; until the signal aborts.
 */
export type WatchFolder = (
  folder: string,
  changed: (name: string | null) => void,
  options: { readonly signal: AbortSignal },
) => Promise<void> | void;

/** By what files and folders are followed: notice soon, and time for certain. */
export interface Watching {
  readonly clock: Clock;
  readonly watchFolder: WatchFolder;
}

/** In this process. */
export const watchFolder: WatchFolder = (folder, changed, { signal }) => {
  try {
    watch(folder, { signal }, (_, name) => changed(name)).on('error', () => undefined);
  } catch {
    // The periodic reading finds what this watch would have told.
  }
};

/** Calls `changed` when `root` itself is replaced, a link that is turned for one: only its own folder sees that. */
export function watchPlaceOf(
  root: string,
  changed: () => void,
  watchOne: WatchFolder,
  options: { readonly signal: AbortSignal },
): Promise<void> | void {
  return watchOne(path.dirname(root), (name) => (name === path.basename(root) ? changed() : undefined), options);
}
