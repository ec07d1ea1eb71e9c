// What the journal says of an issuer: counted when an operator asks, and never on the way of a request.

/** Leaves that are valid at a moment. */
export interface LiveLeaves {
  readonly count: number;
  /** When the last of them ends, in ms since the epoch; absent where there is none. */
  readonly latestEndMs?: number;
}

export interface IssuerFigures {
  /** Decisions from then on are counted, in ms since the epoch. */
  readonly sinceMs: number;
  readonly issued: number;
  readonly refused: number;
  readonly live: LiveLeaves;
  /** Most live leaves first, at most `MAX_GROUPS`; what is of no namespace, such as the CA's own certificate, is left out. */
  readonly namespaces: readonly { readonly namespace: string; readonly issued: number; readonly live: number }[];
  /** Newest first, at most `MAX_GROUPS`; by the digest of the policies that decided. */
  readonly revisions: readonly { readonly revision: string; readonly issued: number; readonly refused: number }[];
}

export const MAX_GROUPS = 50;

/** A shared store answers for all servers. Reading twice is harmless. */
export interface IssuerStatistics {
  /**
   * @param id of one certificate of an issuer.
   * @param window no leaf that lives at `nowMs` was issued before `sinceMs`.
   * @throws AuthorityError `dependency_unavailable` (CAP-S04) when it cannot be read; the signal's reason.
   */
  liveLeavesOf(id: string, window: StatisticsWindow, options: { readonly signal: AbortSignal }): Promise<LiveLeaves>;
  /** @param name of the issuer, all its certificates together. @throws as `liveLeavesOf`. */
  figuresOf(name: string, window: StatisticsWindow, options: { readonly signal: AbortSignal }): Promise<IssuerFigures>;
}

export interface StatisticsWindow {
  readonly nowMs: number;
  readonly sinceMs: number;
}
