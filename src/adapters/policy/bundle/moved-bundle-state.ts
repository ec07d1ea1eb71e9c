// The shared rollback state of a server that had one of its own before: what the file knows is taken over once, where it is
// newer, so that moving to a shared store brings no older policy bundle back. The file is not written any more.
import type { PolicyBundleState, RollbackState } from '../../../ports/policy/policy-bundle-state.ts';

interface Options {
  readonly signal: AbortSignal;
}

export class MovedBundleState implements PolicyBundleState {
  readonly place: string;
  readonly #own: PolicyBundleState;
  readonly #shared: PolicyBundleState;
  #moved = false;

  constructor(own: PolicyBundleState, shared: PolicyBundleState) {
    this.#own = own;
    this.#shared = shared;
    this.place = shared.place;
  }

  async read(options: Options): Promise<RollbackState | undefined> {
    if (this.#moved) return this.#shared.read(options);
    const own = await this.#own.read(options);
    const state = await this.#shared.update((known) => newer(own, known), options);
    this.#moved = true;
    return state;
  }

  async update(
    change: (known: RollbackState | undefined) => RollbackState | undefined,
    options: Options,
  ): Promise<RollbackState | undefined> {
    if (!this.#moved) await this.read(options);
    return this.#shared.update(change, options);
  }
}

/**
 * Sequences of two names do not compare: the shared one is what the servers agreed on. So is its time, which an operator may
 * have set back since.
 */
function newer(own: RollbackState | undefined, known: RollbackState | undefined): RollbackState | undefined {
  if (own === undefined || known === undefined) return own;
  if (own.name !== known.name || own.sequence <= known.sequence) return undefined;
  return { ...own, latestSeenMs: Math.max(own.latestSeenMs, known.latestSeenMs) };
}
