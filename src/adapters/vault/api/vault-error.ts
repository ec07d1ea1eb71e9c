// What went wrong with a call of the Vault API.

/**
 * `configuration`: what is configured here is of no use. `denied`: whoever asks may not. `missing`: there is nothing of that name.
 * `refused`: what was asked is not done. `busy`: it was not asked, for too many wait. `away`: no answer, or none that can be used.
 */
export type VaultErrorKind = 'configuration' | 'denied' | 'missing' | 'refused' | 'busy' | 'away';

/** In words for an operator that follow the server's address, and quote no token and no credential. */
export class VaultError extends Error {
  readonly kind: VaultErrorKind;

  constructor(kind: VaultErrorKind, words: string, options?: ErrorOptions) {
    super(words, options);
    this.kind = kind;
  }
}
