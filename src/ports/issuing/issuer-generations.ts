// The pairs of certificate and key that an issuer keeps: the one that signs, one that is to follow it, and the one before it for
// as long as its leaves live, so that there is a way back. An issuer whose files Capstan itself writes has them, and one that is in
// memory alone.

/** One certificate of an issuer, with its key. */
export interface IssuerPair {
  /** Hex SHA-256 of the certificate, first 16 digits, as everywhere. */
  readonly id: string;
  /** Hex SHA-256 of its public key (DER SubjectPublicKeyInfo). */
  readonly keyId: string;
  readonly subject: string;
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
  /** PEM, its own certificate first. */
  readonly chainPem: string;
}

export interface IssuerPairs {
  /** What the server follows and signs with. */
  readonly current?: IssuerPair;
  /** Judged when it was kept, and to be in force later. */
  readonly prepared?: IssuerPair;
  /** In force before the current one. */
  readonly former?: IssuerPair;
  /** Hex SHA-256 of the public key that waits for its certificate. Told where keys end with the server. */
  readonly waitingKeyId?: string;
}

export interface RequestedPair {
  readonly csrPem: string;
  readonly keyId: string;
}

interface Waits {
  readonly signal: AbortSignal;
}

/**
 * For an implementer: every change is one step that a crash leaves done or undone, and a second call of a change that is done is
 * harmless. Whoever changes has the pairs of the issuer alone for that time, over all processes of the machine.
 * All throw AuthorityError CAP-X03 for an issuer that has none, and for what cannot be read or written; the signal's reason.
 */
export interface IssuerGenerations {
  /** The names of issuers that have pairs. */
  readonly names: readonly string[];
  look(name: string, options: Waits): Promise<IssuerPairs>;
  /** The request for the next certificate. Its key is made where none waits, and the same one asked for until it has its own. */
  request(name: string, options: Waits): Promise<RequestedPair>;
  /**
   * Keeps the chain with the key that was requested, beside what is in force: in the place of another prepared one.
   * @throws AuthorityError CAP-S16 for what a server would not sign with, saying which rule is broken; nothing has changed then.
   */
  prepare(name: string, chainPem: string, options: Waits): Promise<IssuerPair>;
  /**
   * Puts the prepared pair in force, where it still is `id` and a server would sign with it now. The one in force before is the
   * former from then on. Servers of the machine follow within moments.
   * @throws AuthorityError CAP-X03 also when another one is prepared, or none; what was in force stays.
   */
  activate(name: string, id: string, options: Waits): Promise<void>;
  /** Puts the former pair in force again, where it still is `id`; the one in force before is the former then. @throws as `activate`. */
  revert(name: string, id: string, options: Waits): Promise<void>;
  /** Lets go of the pair and its key, where it is prepared or former. The pair in force stays. */
  discard(name: string, id: string, options: Waits): Promise<void>;
}
