// The worker's half of the one set of watches: which folders are of interest is asked of the supervisor, which says when
// one of them changed. Reading is the worker's own. What gets lost on the way is found by its periodic reading.
import { FOLDER_CHANGED_TOPIC, UNWATCH_TOPIC, WATCH_TOPIC } from './watch-relay.ts';
import { NEVER } from '../../live/abortable.ts';
import type { Link } from './link.ts';

type Changed = (name: string | null) => void;

/** Folders of one message: paths of 4,096 bytes each still fit. */
const MAX_FOLDERS_EACH = 1_000;

export class RelayedWatches {
  readonly #link: Link;
  /** As many as this process follows; each is forgotten when its round ends. */
  readonly #listeners = new Map<string, Set<Changed>>();
  /** Folders to ask for when this turn of the event loop is over. */
  readonly #wanted = new Map<string, PromiseWithResolvers<undefined>>();

  /** Serves the topic on the link. */
  constructor(link: Link) {
    this.#link = link;
    link.serve(FOLDER_CHANGED_TOPIC, (body) => {
      const { folder, name } = body as { readonly folder: string; readonly name: string | null };
      for (const changed of this.#listeners.get(folder) ?? []) changed(name);
      return null;
    });
  }

  /** As `watchFolder` of the files does; resolves when the supervisor watches, or does not answer. */
  async watchFolder(folder: string, changed: Changed, { signal }: { readonly signal: AbortSignal }): Promise<void> {
    if (signal.aborted) return;
    const listeners = this.#listeners.get(folder) ?? new Set<Changed>();
    this.#listeners.set(folder, listeners);
    listeners.add(changed);
    const end = (): void => {
      listeners.delete(changed);
      if (listeners.size > 0 || this.#listeners.get(folder) !== listeners) return;
      this.#listeners.delete(folder);
      this.#link.tell(UNWATCH_TOPIC, folder);
    };
    signal.addEventListener('abort', end, { once: true });
    await this.#asked(folder);
  }

  async #asked(folder: string): Promise<void> {
    if (this.#wanted.size === 0) setImmediate(() => void this.#ask());
    const known = this.#wanted.get(folder) ?? Promise.withResolvers<undefined>();
    this.#wanted.set(folder, known);
    await known.promise;
  }

  /** All folders of a tree in few messages. */
  async #ask(): Promise<void> {
    const wanted = [...this.#wanted];
    this.#wanted.clear();
    for (let from = 0; from < wanted.length; from += MAX_FOLDERS_EACH) {
      const some = wanted.slice(from, from + MAX_FOLDERS_EACH);
      // One whose round has ended meanwhile would be watched for nobody.
      const folders = some.flatMap(([folder]) => (this.#listeners.has(folder) ? [folder] : []));
      // Without an answer the periodic reading remains.
      await this.#link.ask(WATCH_TOPIC, folders, { signal: NEVER }).catch(() => undefined);
      for (const [, { resolve }] of some) resolve(undefined);
    }
  }
}
