// The supervisor's half of the one set of watches: it watches each folder once, however many workers follow it, and tells
// those of a change. How many workers there are does not matter to the kernel, whose watches are few.
import type { Link } from './link.ts';

/** Asked with a list of folders; answered when they are watched. */
export const WATCH_TOPIC = 'watch folders';
/** Said of one folder. */
export const UNWATCH_TOPIC = 'unwatch folder';
/** Said to a worker of a folder that it follows. */
export const FOLDER_CHANGED_TOPIC = 'folder changed';

/** Changes in folders beyond these are found by the periodic reading. */
const MAX_FOLDERS = 4_000;

type WatchFolder = (
  folder: string,
  changed: (name: string | null) => void,
  options: { readonly signal: AbortSignal },
) => Promise<void> | void;

interface WatchedFolder {
  readonly followers: Set<Link>;
  /** Names that changed in this turn of the event loop: a write is several events. */
  readonly changed: Set<string | null>;
  watch: AbortController;
}

export class WatchRelay {
  readonly #watchFolder: WatchFolder;
  readonly #folders = new Map<string, WatchedFolder>();

  constructor({ watchFolder }: { readonly watchFolder: WatchFolder }) {
    this.#watchFolder = watchFolder;
  }

  /** How many folders are watched. */
  get size(): number {
    return this.#folders.size;
  }

  /** Called once for each worker. @param closed aborts when it is gone. */
  attach(link: Link, closed: AbortSignal): void {
    link.serve(WATCH_TOPIC, (folders) => {
      for (const folder of folders as readonly string[]) this.#watch(folder, link);
      return null;
    });
    link.serve(UNWATCH_TOPIC, (folder) => {
      this.#leave(folder as string, link);
      return null;
    });
    const leaveAll = (): void => {
      for (const folder of [...this.#folders.keys()]) this.#leave(folder, link);
    };
    closed.addEventListener('abort', leaveAll, { once: true });
  }

  /** Anew at each request: the folder may be another one by now, which the watch that stands does not see. */
  #watch(folder: string, follower: Link): void {
    const known = this.#folders.get(folder);
    if (known === undefined && this.#folders.size >= MAX_FOLDERS) return;
    const entry = known ?? { followers: new Set(), changed: new Set(), watch: new AbortController() };
    this.#folders.set(folder, entry);
    entry.followers.add(follower);
    const before = entry.watch;
    entry.watch = new AbortController();
    const { signal } = entry.watch;
    void this.#watchFolder(folder, (name) => this.#changed(folder, entry, name), { signal });
    // After the new one: no change falls between.
    before.abort();
  }

  #leave(folder: string, follower: Link): void {
    const entry = this.#folders.get(folder);
    entry?.followers.delete(follower);
    if (entry === undefined || entry.followers.size > 0) return;
    this.#folders.delete(folder);
    entry.watch.abort();
  }

  #changed(folder: string, { followers, changed }: WatchedFolder, name: string | null): void {
    const pending = changed.size > 0;
    changed.add(name);
    if (pending) return;
    setImmediate(() => {
      for (const follower of followers) {
        for (const one of changed) follower.tell(FOLDER_CHANGED_TOPIC, { folder, name: one });
      }
      changed.clear();
    });
  }
}
