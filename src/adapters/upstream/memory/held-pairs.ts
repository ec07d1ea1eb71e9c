// Where the pairs of issuers are whose keys end with the server: in this process, or in the supervisor that it belongs to.

/** A chain, and the key that its first certificate is of. */
export interface HeldPair {
  readonly chainPem: string;
  /** Hex SHA-256 of the public key, by which its key is opened. */
  readonly keyId: string;
}

/** All of one issuer, at one moment. */
export interface HeldPairs {
  /** Another one after each change. */
  readonly revision: number;
  readonly current?: HeldPair;
  readonly prepared?: HeldPair;
  readonly former?: HeldPair;
  /** Hex SHA-256 of the public key that waits for its certificate. */
  readonly waiting?: string;
}

interface Waits {
  readonly signal: AbortSignal;
}

/** All throw AuthorityError CAP-X03 for an issuer that is not there, and CAP-S15 while their place does not answer. */
export interface PairsPlace {
  read(issuer: string, options: Waits): Promise<HeldPairs>;
  /** @returns the pairs with a key that waits; it is made where none does. */
  withWaiting(issuer: string, options: Waits): Promise<HeldPairs>;
  /**
   * Puts `next` in the place of what it was made of, and forgets the keys that it does not name any more.
   * @returns false, and nothing has changed, when something else came meanwhile.
   */
  replace(issuer: string, next: HeldPairs, options: Waits): Promise<boolean>;
  /** Calls `listener` with the issuer's name after each change, until the signal aborts. */
  onChange(listener: (issuer: string) => void, options: Waits): void;
}
