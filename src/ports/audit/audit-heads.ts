// Signed heads of the journal's chains, kept beside them. A head that somebody else keeps too is worth more: `HeadWitness`.

interface Waits {
  readonly signal: AbortSignal;
}

export interface KeptHead {
  /** As the statement says, in ms since the epoch. */
  readonly timeMs: number;
  /** Of the statement, in lower-case hex. */
  readonly digest: string;
  /** The signed head as a line of an export has it, without the line feed. */
  readonly text: string;
}

/** Throws AuthorityError CAP-S04 when the store cannot be read or written; the signal's reason. */
export interface AuditHeads {
  /**
   * Durable when it resolves. All are kept, in this order, until retention takes those that are older than records are kept;
   * never the newest. Keeping the same twice leaves one.
   * @param options.epoch of the lease it is done under; another than the one in force keeps nothing and throws.
   */
  keepHead(head: KeptHead, options: Waits & { readonly epoch: number }): Promise<void>;
  /** Those that were kept last, whoever kept them, the newest first and at most `count`; none in a store that has none. */
  lastHeads(count: number, options: Waits): Promise<readonly KeptHead[]>;
}

export interface AuditHeadReader {
  /** Oldest first, and only some are held in memory. Throws as `IssuanceJournalReader`. */
  heads(query: { readonly sinceMs?: number }, options: Waits): AsyncIterable<KeptHead>;
}

/** Another place that keeps heads: append-only, out of the reach of whoever can write the journal. */
export interface HeadWitness {
  /** For problems and logs, such as a path or an origin. */
  readonly name: string;
  /**
   * Resolves when it is kept there. Keeping the same twice is harmless.
   * @throws Error in words for an operator; the signal's reason.
   */
  keep(head: KeptHead, options: Waits): Promise<void>;
  /**
   * The newest lines that it has, the newest first: heads, and whatever else is there. None where it cannot say. Absent of one that never can.
   * @throws Error where it is away, and may say it later; the signal's reason.
   */
  lastLines?(options: Waits): Promise<readonly string[]>;
}
