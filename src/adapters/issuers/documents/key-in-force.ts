// The key that an issuer signs with, where it may be lost and come back. The one before it is let go once nobody signs with it.
import { AuthorityError } from '../../../domain/errors.ts';
import type { KeyInventory } from '../../../ports/issuing/key-inventory.ts';
import type { Clock } from '../../../ports/platform/clock.ts';
import type { IssuerMaterial } from './issuer-material.ts';

/** Between attempts to open a key whose place does not answer. */
export const KEY_RETRY_MS = 5_000;
/** A request that chose an issuer signs within the longest `listen.requestTimeout`. */
const RELEASE_AFTER_MS = 60_000;

export interface KeyChanges {
  readonly lost: (problem: string) => void;
  /** @param signal ends what is done for it. */
  readonly back: (signal: AbortSignal) => void;
}

export class KeyInForce {
  readonly #clock: Pick<Clock, 'after'>;
  readonly #changes: KeyChanges;
  #read: IssuerMaterial | undefined;
  /** Ends the following of it. */
  #following = new AbortController();

  constructor(clock: Pick<Clock, 'after'>, changes: KeyChanges) {
    this.#clock = clock;
    this.#changes = changes;
  }

  /** Why nothing can be signed now, in words for an operator. */
  get problem(): string | undefined {
    return this.#read?.keyPlace?.problem;
  }

  /** The keys that lie beside it. */
  get inventory(): KeyInventory | undefined {
    return this.#read?.keyPlace?.inventory;
  }

  /** From now on this one, until the signal aborts. */
  follow(read: IssuerMaterial, { signal }: { readonly signal: AbortSignal }): void {
    const former = this.#read;
    if (former !== undefined) this.#releaseLater(former, signal);
    this.#read = read;
    this.#following.abort();
    this.#following = new AbortController();
    const until = AbortSignal.any([this.#following.signal, signal]);
    read.keyPlace?.onChange(() => this.#tell(signal), { signal: until });
  }

  /** At once when the signal aborts: a server that stops waits for nothing. */
  #releaseLater(former: IssuerMaterial, signal: AbortSignal): void {
    const release = (): void => {
      cancel();
      signal.removeEventListener('abort', release);
      former.release();
    };
    const cancel = this.#clock.after(RELEASE_AFTER_MS, release);
    signal.addEventListener('abort', release, { once: true });
  }

  #tell(signal: AbortSignal): void {
    const { problem } = this;
    if (problem === undefined) this.#changes.back(signal);
    else this.#changes.lost(problem);
  }
}

/** Nothing is wrong with what was given: the place of its key does not answer now. */
export function isKeyAway(error: unknown): error is AuthorityError {
  return error instanceof AuthorityError && error.reason === 'CAP-S15';
}
