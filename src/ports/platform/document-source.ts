// A set of text documents that somebody else may change while the server runs.

/** @typeParam Texts all documents: by name, unless said otherwise. */
export interface DocumentSource<Texts = ReadonlyMap<string, string>> {
  /**
   * All documents as they are now.
   * @throws AuthorityError CAP-X03 naming a document that is missing, unreadable, open to others although
   *   it is private, or too large.
   */
  read(): Promise<Texts>;
  /** Where a document comes from, in words that help an operator find it: a file's path. */
  placeOf(name: string): string;
  /**
   * Calls `listener` after anything may have changed, until the signal aborts. Calls may be spurious and
   * never overlap: the next one waits for the promise of the last.
   */
  onChange(listener: () => Promise<void> | void, options: { readonly signal: AbortSignal }): void;
}
