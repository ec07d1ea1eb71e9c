// The ledger follows the pairs of an issuer: whatever step a crash came after, the next look records what has become of them.
import { AuthorityError } from '../../../domain/errors.ts';
import {
  recorded,
  standingOf,
  type Authorship,
  type Generation,
  type IssuerLedger,
  type IssuerMove,
} from '../../../domain/trust/issuer-ledger.ts';
import { isWithdrawn, type LifecycleState, type WithdrawnState } from '../../../domain/trust/issuer-state.ts';
import type { IssuerPair, IssuerPairs } from '../../../ports/issuing/issuer-generations.ts';
import type { Events } from '../../../ports/platform/events.ts';
import type { FollowedLedger } from '../../trust/followed-ledger.ts';

interface Waits {
  readonly signal: AbortSignal;
}

export interface MovesParts {
  readonly ledger: Pick<FollowedLedger<IssuerLedger>, 'current' | 'change'>;
  readonly events: Pick<Events, 'issuerMoved'>;
}

export class GenerationMoves {
  readonly #parts: MovesParts;
  readonly #issuer: string;

  /** @param issuer as policies call it. */
  constructor(parts: MovesParts, issuer: string) {
    this.#parts = parts;
    this.#issuer = issuer;
  }

  stateOf({ id, keyId }: IssuerPair, unmoved: LifecycleState): LifecycleState {
    return standingOf(this.#parts.ledger.current(), { id, keyId }, unmoved).state;
  }

  /** @returns the state in which operators keep it from signing; nothing while they do not. */
  withdrawal(pair: IssuerPair): WithdrawnState | undefined {
    const state = this.stateOf(pair, 'active');
    return isWithdrawn(state) ? state : undefined;
  }

  /** @returns when its certificate came, in ms since the epoch; nothing where nobody recorded it. */
  cameMs({ id }: IssuerPair): number | undefined {
    return this.#parts.ledger.current().moves.find((move) => move.id === id && move.to === 'prepared')?.timeMs;
  }

  /** @param keyId of a key that is asked for; it is called by that until it has its certificate. */
  async preparing(keyId: string, notAfterMs: number, by: Authorship, options: Waits): Promise<void> {
    await this.#move({ id: keyId.slice(0, 16), keyId, notAfterMs }, { from: [], to: 'preparing' }, by, options);
  }

  /** Records what the pairs are and the ledger does not know yet. @throws AuthorityError CAP-S04 */
  async follow({ current, prepared, former }: IssuerPairs, by: Authorship, options: Waits): Promise<void> {
    if (prepared !== undefined) await this.#move(prepared, { from: ['preparing'], to: 'prepared' }, by, options);
    if (current !== undefined)
      await this.#move(current, { from: ['preparing', 'prepared', 'retiring'], to: 'active' }, by, options);
    if (former !== undefined) await this.#move(former, { from: ['active'], to: 'retiring' }, by, options);
  }

  /**
   * What an earlier server left on record, whose keys ended with it: nothing is signed with them, and leaves may live.
   * @param own ids of the certificates and of the keys that this server has.
   */
  async ended(own: ReadonlySet<string>, by: Authorship, options: Waits): Promise<void> {
    for (const move of this.#lastOfOthers(own)) {
      await this.#move(move, { from: ['active'], to: 'retiring' }, by, options);
      await this.#move(move, { from: ['preparing', 'prepared'], to: 'retired' }, by, options);
    }
  }

  /**
   * The suspension that a certificate takes over which follows one of a server that ended.
   * @param own as `ended`.
   * @param shared whether others sign by the same name at the same time: then any suspension of one that has not ended counts, for
   *   nobody knows whose it was; otherwise the last that was said.
   */
  suspension(own: ReadonlySet<string>, shared: boolean, nowMs: number): IssuerMove | undefined {
    if (shared) return this.#lastOfOthers(own).find(({ to, notAfterMs }) => to === 'suspended' && nowMs < notAfterMs);
    const { moves } = this.#parts.ledger.current();
    const last = moves.findLast(({ issuer, from, to }) => issuer === this.#issuer && [from, to].includes('suspended'));
    return last?.to === 'suspended' ? last : undefined;
  }

  /** As if it had been suspended while it was in force, so that it signs when it is resumed. */
  async suspended(prepared: IssuerPair, by: Authorship, options: Waits): Promise<void> {
    await this.#move(prepared, { from: ['prepared'], to: 'active' }, by, options);
    await this.#move(prepared, { from: ['active'], to: 'suspended' }, by, options);
  }

  #lastOfOthers(own: ReadonlySet<string>): readonly IssuerMove[] {
    const { moves } = this.#parts.ledger.current();
    const last = [
      ...new Map(moves.filter(({ issuer }) => issuer === this.#issuer).map((move) => [move.id, move])).values(),
    ];
    // The record of a key that was asked for is over when it has its certificate, and would withdraw that as one of the same key.
    const isCertified = ({ id, keyId, to }: IssuerMove): boolean =>
      to === 'preparing' && last.some((other) => other.keyId === keyId && other.id !== id);
    return last.filter((move) => !own.has(move.id) && !own.has(move.keyId) && !isCertified(move));
  }

  async retired(former: IssuerPair, by: Authorship, options: Waits): Promise<void> {
    await this.#move(former, { from: ['active', 'retiring'], to: 'retired' }, by, options);
  }

  /** @param live ids of the certificates whose leaves may live: of the others each that was retiring is retired. */
  async retiredBut(live: ReadonlySet<string>, by: Authorship, options: Waits): Promise<void> {
    const last = new Map(this.#parts.ledger.current().moves.map((move) => [move.id, move]));
    for (const move of last.values()) {
      if (move.issuer !== this.#issuer || move.to !== 'retiring' || live.has(move.id)) continue;
      await this.#move(move, { from: ['retiring'], to: 'retired' }, by, options);
    }
  }

  /** Nothing where it is so already, or an operator has it otherwise. */
  async #move(
    pair: Pick<IssuerPair, 'id' | 'keyId' | 'notAfterMs'>,
    change: { readonly from: readonly LifecycleState[]; readonly to: LifecycleState },
    by: Authorship,
    options: Waits,
  ): Promise<void> {
    const { ledger, events } = this.#parts;
    if (this.#from(ledger.current(), pair, change) === undefined) return;
    const { id, keyId, notAfterMs } = pair;
    const generation: Generation = { issuer: this.#issuer, id, keyId, notAfterMs };
    const { move } = await ledger.change((known) => {
      const from = this.#from(known, pair, change);
      if (from === undefined) throw new AuthorityError('CAP-O03', { detail: `certificate ${id} was moved meanwhile` });
      const next = recorded(known, generation, { from, to: change.to }, by);
      const { timeMs, actor, role, reason } = by;
      const details = { actor, role, target: `issuer ${this.#issuer} ${id}`, reason };
      return { ...next, operation: { timeMs, operation: 'issuer rotate', was: from, is: change.to, details } };
    }, options);
    const { issuer: name, from, to, actor, reason } = move;
    // Of a key that is asked for there was nothing before.
    events.issuerMoved({ name, issuer: id, ...(from !== to && { from }), to, actor, reason });
  }

  /** @returns the state that it has, where the change is one from there. A pair that nobody moved is what the change comes from. */
  #from(
    ledger: IssuerLedger,
    { id, keyId }: Pick<Generation, 'id' | 'keyId'>,
    { from, to }: { readonly from: readonly LifecycleState[]; readonly to: LifecycleState },
  ): LifecycleState | undefined {
    const unmoved = UNMOVED[to];
    const { state, by } = standingOf(ledger, { id, keyId }, unmoved);
    if (isWithdrawn(state) || (by !== undefined && state === to)) return undefined;
    // What was in force before anybody recorded it needs no record: `active` is what it is.
    if (by === undefined) return to === 'active' ? undefined : unmoved;
    return from.includes(state) ? state : undefined;
  }
}

/** What Capstan does by itself. */
export function bySelf(reason: string, timeMs: number): Authorship {
  return { timeMs, actor: 'capstan', role: 'server', reason };
}

/** What a pair is before it becomes that, where nobody recorded anything. */
const UNMOVED: Readonly<Record<LifecycleState, LifecycleState>> = {
  preparing: 'preparing',
  prepared: 'preparing',
  active: 'active',
  retiring: 'active',
  retired: 'retiring',
  suspended: 'active',
  tainted: 'active',
};
