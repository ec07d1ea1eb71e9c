// A set of text documents that somebody else may change while the server runs.

export interface DocumentSource {
  /**
   * All documents as they are now, by name.
   * @throws AuthorityError CAP-X03 naming a document that is missing, unreadable or too large.
   */
  read(): Promise<ReadonlyMap<string, string>>;
  /** Calls `listener` after anything may have changed, until the signal aborts. Calls may be spurious. */
  onChange(listener: () => void, options: { readonly signal: AbortSignal }): void;
}
