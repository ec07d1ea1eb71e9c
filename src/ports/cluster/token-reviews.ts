// What the API server of one cluster says of service account tokens when it is asked: of one token, and of the keys that
// all of them are signed with.

export type ReviewedToken =
  | {
      readonly outcome: 'confirmed';
      /** `system:serviceaccount:<namespace>:<name>` */
      readonly username: string;
    }
  /** The API server does not take it, for any of the audiences. @property why safe for the caller. */
  | { readonly outcome: 'refused'; readonly why: string }
  /** It could not be asked, or did not answer in time; in words for an operator. */
  | {
      readonly outcome: 'unavailable';
      readonly why: string;
      /** It asks to be left alone this long. */
      readonly retryAfterMs?: number;
    };

export interface TokenReviews {
  /** Asks once, within two seconds; never throws but the signal's reason. The token goes to the API server and nowhere else. */
  review(token: string, options: { readonly signal: AbortSignal }): Promise<ReviewedToken>;
}

export interface TokenKeyDocument {
  /** As tokens spell it in `iss`. */
  readonly issuer: string;
  /** A JWK set (RFC 7517 section 5), unchecked. */
  readonly keys: unknown;
}

/** As it was read then, in ms since the epoch. */
export type KeptTokenKeys = TokenKeyDocument & { readonly readAtMs: number };

export interface TokenKeyDocuments {
  /** As the API server publishes it now. @throws Error saying why it cannot be had, in words for an operator. */
  read(options: { readonly signal: AbortSignal }): Promise<TokenKeyDocument>;
  /** The last one that was read, also by a server before this one; nothing when none is kept. Never throws. */
  kept(): Promise<KeptTokenKeys | undefined>;
}
