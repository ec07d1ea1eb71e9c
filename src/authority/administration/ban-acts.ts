// What operators do against workloads: revoke, lift. Each act waits for a second person where the policy bundle asks for one, and
// changes the ledger of bans together with its record. It imports much because an act is resolved, judged, recorded and explained.
import { AuthorityError } from '../../domain/errors.ts';
import type { GuardedOperation } from '../../domain/policy/documents.ts';
import type { Ban } from '../../domain/revocation/ban.ts';
import {
  banned,
  isOver,
  lifted,
  WAITING_BAN_ACTS,
  type BanLedger,
  type PendingBanAct,
  type WantedBanAct,
} from '../../domain/revocation/ban-ledger.ts';
import { stillBanning } from '../../domain/revocation/overlapping-bans.ts';
import type { Authorship } from '../../domain/trust/issuer-ledger.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { Events } from '../../ports/platform/events.ts';
import type { PolicySource } from '../../ports/policy/policy-source.ts';
import type { FollowedLedger } from '../trust/followed-ledger.ts';
import { demandWaiting, settledIn } from '../trust/waiting-acts.ts';
import type { BanEffect, BanEffects } from './ban-effects.ts';
import type { AskedTarget, BanTargets } from './ban-targets.ts';
import { banRecord, describeTarget, liftRecord, proposedBanRecord } from './ban-records.ts';
import type { Operator } from './issuer-acts.ts';
import { demandAnother, demandRoleOf } from './roles.ts';

export interface BanActsParts {
  readonly ledger: Pick<FollowedLedger<BanLedger>, 'current' | 'look' | 'change'>;
  readonly targets: Pick<BanTargets, 'of'>;
  readonly effects: Pick<BanEffects, 'of'>;
  readonly policies: Pick<PolicySource, 'current'>;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly events: Pick<Events, 'banChanged'>;
}

export interface AskedBan {
  readonly target: AskedTarget;
  readonly reason: string;
  readonly forMs?: number;
  /** Nothing is done; the answer says what would be. */
  readonly dryRun: boolean;
}

export type BanOutcome =
  | {
      readonly outcome: 'revoked' | 'revoked-already' | 'would-revoke';
      readonly ban: Ban;
      readonly effect: BanEffect;
    }
  /** `still` are the bans in force that go on to concern them, or some of them. */
  | { readonly outcome: 'lifted'; readonly ban: Ban; readonly effect: BanEffect; readonly still: readonly Ban[] }
  | { readonly outcome: 'pending'; readonly pending: PendingBanAct };

interface Waits {
  readonly signal: AbortSignal;
}

/** Bans in one line. */
const MAX_NAMED = 10;

export class BanActs {
  readonly #parts: BanActsParts;
  readonly #longestLeafMs: number;

  /** @param settings.longestLeafMs no leaf lives longer. */
  constructor(parts: BanActsParts, settings: { readonly longestLeafMs: number }) {
    this.#parts = parts;
    this.#longestLeafMs = settings.longestLeafMs;
  }

  /**
   * Bans, or has it wait for a second person.
   * @throws AuthorityError CAP-O02 when no such certificate lives, CAP-O05 when there is no room, CAP-S02 before policies are loaded, CAP-S04 when it cannot be recorded.
   */
  async revoke({ dryRun, target, ...asked }: AskedBan, operator: Operator, options: Waits): Promise<BanOutcome> {
    const wanted = { act: 'revoke', target: await this.#parts.targets.of(target, options), ...asked } as const;
    const by = this.#by(operator, asked.reason);
    if (dryRun) {
      const { ban } = this.#banned(this.#parts.ledger.current(), wanted, by);
      return this.#outcome('would-revoke', ban, options);
    }
    if (this.#needsTwo('revoke')) return this.#propose(wanted, operator, options);
    return this.#do(wanted, by, options);
  }

  /** Takes a ban back, or has that wait for a second person. @throws AuthorityError as `revoke`; CAP-O02 when there is no such ban. */
  async lift(
    asked: { readonly id: string; readonly reason: string },
    operator: Operator,
    options: Waits,
  ): Promise<BanOutcome> {
    const wanted = { act: 'lift', ...asked } as const;
    if (this.#needsTwo('revoke.lift')) return this.#propose(wanted, operator, options);
    return this.#do(wanted, this.#by(operator, asked.reason), options);
  }

  /**
   * Does what another person asked for, as if it were asked for now.
   * @throws AuthorityError as `revoke` and `lift`; CAP-O01 without the role; CAP-O04 when who approves is no other person;
   *   CAP-O02 when nothing of that name waits.
   */
  async approve(digest: string, operator: Operator, options: Waits): Promise<BanOutcome> {
    demandRoleOf(operator, 'security');
    const { ledger, clock } = this.#parts;
    const waiting = {
      waiting: WAITING_BAN_ACTS,
      ledger,
      standing: (known: BanLedger) => standingAt(known, clock.nowMs()),
    };
    const act = await demandWaiting(waiting, digest, clock.nowMs(), options);
    demandAnother(act, operator);
    const { wanted, actor, role } = act;
    const by = { ...this.#by({ actor, role }, wanted.reason), approvedBy: operator.actor };
    return this.#do(wanted, by, options, (known) => settledIn(waiting, known, digest, by.timeMs));
  }

  /** Acts that wait for a second person. */
  pending(): readonly PendingBanAct[] {
    return WAITING_BAN_ACTS.at(this.#parts.ledger.current(), this.#parts.clock.nowMs());
  }

  /** In force, or with certificates from before them that may live; oldest first. */
  list(): readonly Ban[] {
    const nowMs = this.#parts.clock.nowMs();
    return this.#parts.ledger.current().bans.filter((ban) => !isOver(ban, nowMs));
  }

  #by({ actor, role }: Pick<Operator, 'actor' | 'role'>, reason: string): Authorship {
    return { timeMs: this.#parts.clock.nowMs(), actor, role, reason };
  }

  /** @param prepared the ledger without what is done by this. */
  async #do(
    wanted: WantedBanAct,
    by: Authorship,
    options: Waits,
    prepared: (ledger: BanLedger) => BanLedger = (ledger) => ledger,
  ): Promise<BanOutcome> {
    const { ledger } = this.#parts;
    if (wanted.act === 'lift') {
      const { ban } = await ledger.change((known) => {
        const next = liftedIn(prepared(known), wanted.id, by);
        return { ...next, operation: liftRecord(next.ban, by) };
      }, options);
      this.#tell('lift', ban, by);
      const still = stillBanning(ledger.current(), ban, by.timeMs);
      return { outcome: 'lifted', ban, effect: await this.#parts.effects.of(ban, options), still };
    }
    const { ban, isNew } = await ledger.change((known) => {
      const next = this.#banned(prepared(known), wanted, by);
      return { ...next, operation: banRecord(next.ban, by, next.isNew) };
    }, options);
    if (isNew) this.#tell('revoke', ban, by);
    return this.#outcome(isNew ? 'revoked' : 'revoked-already', ban, options);
  }

  #tell(act: 'revoke' | 'lift', { id, target }: Ban, { actor, reason }: Authorship): void {
    this.#parts.events.banChanged({ act, id, kind: target.kind, target: describeTarget(target), actor, reason });
  }

  #banned(ledger: BanLedger, wanted: Extract<WantedBanAct, { act: 'revoke' }>, by: Authorship) {
    const next = banned(ledger, wanted, by, { longestLeafMs: this.#longestLeafMs });
    if ('problem' in next) throw new AuthorityError('CAP-O05', { detail: next.problem });
    return next;
  }

  async #outcome(
    outcome: Exclude<BanOutcome['outcome'], 'pending' | 'lifted'>,
    ban: Ban,
    options: Waits,
  ): Promise<BanOutcome> {
    return { outcome, ban, effect: await this.#parts.effects.of(ban, options) };
  }

  #needsTwo(operation: GuardedOperation): boolean {
    return this.#parts.policies.current().bundle.twoPersons.includes(operation);
  }

  async #propose(wanted: WantedBanAct, operator: Operator, options: Waits): Promise<BanOutcome> {
    const by = this.#by(operator, wanted.reason);
    const { act: pending } = await this.#parts.ledger.change((ledger) => {
      // What could not be done at once is not worth a second person's time.
      if (wanted.act === 'lift') liftedIn(ledger, wanted.id, by);
      else this.#banned(ledger, wanted, by);
      const next = WAITING_BAN_ACTS.proposed(ledger, { wanted }, { ...operator, timeMs: by.timeMs });
      if ('problem' in next) throw new AuthorityError('CAP-O05', { detail: `it ${next.problem}` });
      return { ...next, operation: proposedBanRecord(next.act) };
    }, options);
    return { outcome: 'pending', pending };
  }
}

/** Whom they concern is for who may list them. */
function standingAt({ bans }: BanLedger, nowMs: number): string {
  const inForce = bans.filter((ban) => !isOver(ban, nowMs)).map(({ id }) => id);
  const last = inForce.slice(-MAX_NAMED).join(', ');
  return inForce.length === 0 ? 'nothing is revoked' : `${inForce.length} are revoked, the last as ${last}`;
}

function liftedIn(ledger: BanLedger, id: string, { timeMs }: Authorship) {
  const next = lifted(ledger, id, timeMs);
  if ('problem' in next) throw new AuthorityError('CAP-O02', { detail: next.problem });
  return next;
}
