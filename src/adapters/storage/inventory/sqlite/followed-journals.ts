// The journals of a store, opened to be read as they come and go.
import { journalsOf } from '../../slots/journal-slots.ts';
import { JournalQueries } from '../../sqlite/reading/journal-queries.ts';

export class FollowedJournals implements Disposable {
  readonly #file: string;
  readonly #journals = new Map<string, JournalQueries>();

  /** @param file the store's. */
  constructor(file: string) {
    this.#file = file;
  }

  /**
   * By their files. Slots may come while this runs, and a store whose files were away looks for that moment like one of another shape.
   * @throws JournalProblem
   */
  each(): ReadonlyMap<string, JournalQueries> {
    const files = journalsOf(this.#file);
    for (const [file, journal] of this.#journals) {
      if (files.includes(file)) continue;
      journal[Symbol.dispose]();
      this.#journals.delete(file);
    }
    for (const file of files) {
      if (!this.#journals.has(file)) this.#journals.set(file, new JournalQueries(file));
    }
    return this.#journals;
  }

  [Symbol.dispose](): void {
    for (const journal of this.#journals.values()) journal[Symbol.dispose]();
    this.#journals.clear();
  }
}
