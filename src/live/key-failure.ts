// Why a key that is in another place cannot be used.

/**
 * `configuration`: what is configured does not fit what is there. `refused`: the place did not take what opens it, or is not to be
 * asked again. `away`: it does not do what it did, or is not there.
 */
export type FailureKind = 'configuration' | 'refused' | 'away';

/** In words for an operator that quote no secret: they follow the name of the key's place where `kind` is no `away`. */
export class KeyFailure extends Error {
  readonly kind: FailureKind;
  /** Whether the place has to be opened anew; not so where it was never asked. */
  readonly lost: boolean;

  constructor(kind: FailureKind, words: string, { lost = true }: { readonly lost?: boolean } = {}) {
    super(words);
    this.kind = kind;
    this.lost = lost;
  }
}
