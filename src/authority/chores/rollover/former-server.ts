// An issuer whose keys end with the server has another key after each start. What the server before it left on record is closed, and
// what operators suspended stays so: a restart is no way round them.
import type { IssuerPairs } from '../../../ports/issuing/issuer-generations.ts';
import { bySelf, type GenerationMoves } from './generation-moves.ts';

export interface RolloverInMemory {
  /** Whether other servers sign by the same name, and have what they did on the same record: nobody can tell which is whose. */
  readonly shared: boolean;
}

export class FormerServer {
  readonly #moves: Pick<GenerationMoves, 'ended' | 'suspension' | 'suspended' | 'stateOf'>;
  readonly #settings: RolloverInMemory;

  constructor(
    moves: Pick<GenerationMoves, 'ended' | 'suspension' | 'suspended' | 'stateOf'>,
    settings: RolloverInMemory,
  ) {
    this.#moves = moves;
    this.#settings = settings;
  }

  /** @param pairs what this server has. @throws AuthorityError CAP-S04 when it cannot be recorded. */
  async follow(pairs: IssuerPairs, nowMs: number, options: { readonly signal: AbortSignal }): Promise<void> {
    const { current, prepared, former, waitingKeyId } = pairs;
    const own = new Set(
      [current, prepared, former].flatMap((pair) => (pair === undefined ? [] : [pair.id, pair.keyId])),
    );
    if (waitingKeyId !== undefined) own.add(waitingKeyId);
    if (!this.#settings.shared)
      await this.#moves.ended(own, bySelf('its key ended with the server that had it', nowMs), options);
    if (current !== undefined || prepared === undefined || this.#moves.stateOf(prepared, 'prepared') !== 'prepared')
      return;
    const suspension = this.#moves.suspension(own, this.#settings.shared, nowMs);
    if (suspension === undefined) return;
    const { id, reason } = suspension;
    await this.#moves.suspended(prepared, bySelf(`as ${id} before it: ${reason}`, nowMs), options);
  }
}
