// One folder, as the platform tells of its changes. Whoever watches also reads again every so often: a watch may break or
// never begin, as on file systems without notification, and says nothing of it.
import { watch } from 'node:fs';
import path from 'node:path';

/** @param changed called with the name below the folder, where the platform knows it; until the signal aborts. */
export function watchFolder(
  folder: string,
  changed: (name: string | null) => void,
  { signal }: { readonly signal: AbortSignal },
): void {
  try {
    watch(folder, { signal }, (_, name) => changed(name)).on('error', () => undefined);
  } catch {
    // The periodic reading finds what this watch would have told.
  }
}

/** Calls `changed` when `root` itself is replaced, a link that is turned for one: only its own folder sees that. */
export function watchPlaceOf(root: string, changed: () => void, options: { readonly signal: AbortSignal }): void {
  watchFolder(path.dirname(root), (name) => (name === path.basename(root) ? changed() : undefined), options);
}
