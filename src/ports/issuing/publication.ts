// Where relying parties find what they verify peers by before they have a certificate: trust anchors, and revocation lists. In
// Kubernetes these are objects that pods mount, by which an agent knows this CA and istiod. One process of all writes.

/** PEM; empty where there is nothing to be found for now. */
export interface PublishedText {
  readonly pem: string;
}

export interface Publisher {
  /**
   * Keeps every place as it should be until the signal aborts: what lacks the text, or has another one, is written, and
   * what is no place any more is removed if we wrote it. Handles its own errors.
   * @param wanted is asked whenever something is written; `wantedChanged` is called after it may have changed.
   */
  keep(wanted: () => PublishedText, options: { readonly signal: AbortSignal }): Promise<void>;
  wantedChanged(): void;
}

/** What is to be published. */
export interface Published {
  wanted(): PublishedText;
  /** Calls `listener` after it may have changed, until the signal aborts. */
  onChange(listener: () => void, options: { readonly signal: AbortSignal }): void;
}
