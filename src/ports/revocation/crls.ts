// The revocation list of each issuer that was signed last, for all processes and servers of one CA: whoever has the key signs,
// and all hand out the same.

export interface KeptCrl {
  /** Hex SHA-256 of the issuer's certificate, first 16 digits. */
  readonly issuer: string;
  /** That certificate, by which others verify the list before they know the issuer themselves. */
  readonly certificateDer: Uint8Array;
  /** The CRL number (RFC 5280 section 5.2.3). */
  readonly number: number;
  /** Empty for an issuer that is about to sign leaves and has no list: until `nextUpdateMs` nobody hands any out. */
  readonly der: Uint8Array;
  /** In ms since the epoch. */
  readonly nextUpdateMs: number;
}

/** How long after its nextUpdate a list is still kept, in ms: numbers go by the clock, so that none is needed to count on. */
export const KEEP_LAPSED_MS = 7 * 86_400_000;

/** For an implementer of a shared store: one row for each issuer, replaced in one statement by a higher number alone. */
export interface Crls {
  /**
   * @returns the last list of each issuer; the same array while nothing has changed.
   * @throws AuthorityError `dependency_unavailable` (CAP-S04) when they cannot be read; the signal's reason.
   */
  all(options: { readonly signal: AbortSignal }): Promise<readonly KeptCrl[]>;
  /**
   * Durable when it resolves. Forgets those that ended `KEEP_LAPSED_MS` before `nowMs`.
   * @returns false when there is one with this number or a higher one by now; that stays.
   * @throws as `all`. After CAP-S04 it may be there all the same.
   */
  keep(crl: KeptCrl, options: { readonly nowMs: number; readonly signal: AbortSignal }): Promise<boolean>;
}
