// Issuers that have signed here. Their public certificates outlive a restart and a change of issuer, so that a
// leaf which an issuer of ours signed is known as one as long as it lives.

export interface IssuerRecords {
  /**
   * Notes the issuers in force; every other is former from now on, and forgotten when its last leaf is over.
   * Resolves once that is durable. May be called twice with the same. The signal is looked at before it is sent.
   * @throws AuthorityError `dependency_unavailable` (CAP-S04) when it cannot be made durable; the signal's reason.
   */
  keepIssuers(issuers: readonly RecordedIssuer[], options: { readonly signal: AbortSignal }): Promise<void>;
}

export interface RecordedIssuer {
  readonly id: string;
  readonly certificateDer: Uint8Array;
  /** When its leaves are over at the latest, in ms since the epoch. */
  readonly notAfterMs: number;
  /** No leaf lives longer than this. */
  readonly longestLeafMs: number;
}

/** An issuer whose leaves may live. */
export interface FormerIssuer {
  readonly certificateDer: Uint8Array;
  /** When the last of them is over, in ms since the epoch; for one in force the end of its own certificate. */
  readonly untilMs: number;
}

export interface FormerIssuers {
  /**
   * @returns the issuers whose leaves may live at `nowMs`, those in force among them.
   * @throws AuthorityError `dependency_unavailable` (CAP-S04) when they cannot be read; the signal's reason when it
   *   aborts.
   */
  issuersAt(nowMs: number, options: { readonly signal: AbortSignal }): Promise<readonly FormerIssuer[]>;
}
