// What operators do to issuers: suspend, resume, taint, retire. Each act is judged, waits for a second person where the policy
// bundle asks for one, and changes the ledger together with its record. It imports much because judging an act asks the
// issuers, the journal and the policies.
import { AuthorityError } from '../../domain/errors.ts';
import type { GuardedOperation } from '../../domain/policy/documents.ts';
import { formatTime } from '../../domain/text/format-time.ts';
import {
  moved,
  WAITING_ISSUER_ACTS,
  withdrawalOf,
  type Authorship,
  type IssuerLedger,
  type IssuerMove,
  type PendingAct,
  type WantedAct,
} from '../../domain/trust/issuer-ledger.ts';
import type { IssuerAct } from '../../domain/trust/issuer-state.ts';
import type { SettledTime } from '../../live/settled-time.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { Events } from '../../ports/platform/events.ts';
import type { PolicySource } from '../../ports/policy/policy-source.ts';
import type { IssuerStatistics } from '../../ports/storage/issuer-statistics.ts';
import type { OperationRecord } from '../../ports/storage/operation-journal.ts';
import { demandAnother, demandRoleOf, ROLE_OF_ACT } from './roles.ts';
import type { FollowedLedger } from '../trust/followed-ledger.ts';
import { demandWaiting, settledIn } from '../trust/waiting-acts.ts';
import {
  generationMeant,
  generationsAt,
  generationsInForce,
  standingIn,
  type GenerationsParts,
  type KnownGeneration,
} from './generations.ts';

export interface IssuerActsParts extends GenerationsParts {
  readonly ledger: Pick<FollowedLedger<IssuerLedger>, 'current' | 'look' | 'change'>;
  readonly statistics: Pick<IssuerStatistics, 'liveLeavesOf'>;
  readonly policies: Pick<PolicySource, 'current'>;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly events: Pick<Events, 'issuerMoved'>;
  /** By it leaves are over: what is retired does not come back with a clock that was wrong. */
  readonly settled: Pick<SettledTime, 'nowMs'>;
}

/** Who asks. */
export interface Operator {
  /** `local` for the Unix socket, which is never a second person; otherwise the name in the client certificate. */
  readonly actor: string;
  readonly role: string;
  readonly local: boolean;
  /** All names in the client certificate. Absent, the actor alone. */
  readonly names?: readonly string[];
}

export interface AskedAct {
  readonly act: IssuerAct;
  readonly issuer: string;
  /** Absent, the certificate that signs. */
  readonly id?: string;
  readonly reason: string;
  readonly override: boolean;
}

export type ActOutcome =
  | { readonly outcome: 'done'; readonly move: IssuerMove; readonly notes: readonly string[] }
  | { readonly outcome: 'pending'; readonly pending: PendingAct };

interface Waits {
  readonly signal: AbortSignal;
}

export class IssuerActs {
  readonly #parts: IssuerActsParts;
  readonly #longestLeafMs: number;

  /** @param settings.longestLeafMs no leaf lives longer. */
  constructor(parts: IssuerActsParts, settings: { readonly longestLeafMs: number }) {
    this.#parts = parts;
    this.#longestLeafMs = settings.longestLeafMs;
  }

  /**
   * Does it, or has it wait for a second person.
   * @throws AuthorityError CAP-O02 for what names no issuer of ours, CAP-O03 when the state or what hangs on the issuer
   *   does not allow it, CAP-S02 before policies are loaded, CAP-S04 when it cannot be known or recorded.
   */
  async ask(asked: AskedAct, operator: Operator, options: Waits): Promise<ActOutcome> {
    const meant = await this.#meant(asked, options);
    const { generation } = meant;
    const { act, reason, override } = asked;
    const wanted: WantedAct = { act, issuer: generation.issuer, id: generation.id, reason, override };
    const notes = await this.#judge(wanted, meant, options);
    const nowMs = this.#parts.clock.nowMs();
    if (this.#needsTwo(act)) return this.#propose(wanted, meant, operator, nowMs, options);
    const by = { timeMs: nowMs, actor: operator.actor, role: operator.role, reason };
    const { move } = await this.#parts.ledger.change((ledger) => this.#acted(ledger, meant, wanted, by), options);
    return this.#done(move, notes);
  }

  /**
   * Does what another person asked for, as if it were asked for now.
   * @throws AuthorityError as `ask`; CAP-O01 when who approves could not ask for it himself; CAP-O04 when who approves is no other person; CAP-O02 when nothing of that name waits.
   */
  async approve(digest: string, operator: Operator, options: Waits): Promise<ActOutcome> {
    const { clock, ledger } = this.#parts;
    demandRoleOf(operator, 'operator');
    const waiting = { waiting: WAITING_ISSUER_ACTS, ledger, standing: (known: IssuerLedger) => this.#standing(known) };
    const act = await demandWaiting(waiting, digest, clock.nowMs(), options);
    demandRoleOf(operator, ROLE_OF_ACT[act.act]);
    demandAnother(act, operator);
    const meant = await this.#meant(act, options);
    const notes = await this.#judge(act, meant, options);
    const timeMs = clock.nowMs();
    const by = { timeMs, actor: act.actor, role: act.role, reason: act.reason, approvedBy: operator.actor };
    const { move } = await ledger.change(
      (known) => this.#acted(settledIn(waiting, known, digest, timeMs), meant, act, by),
      options,
    );
    return this.#done(move, notes);
  }

  /** `default is active, gold is tainted`. */
  #standing(ledger: IssuerLedger): string {
    const inForce = generationsInForce(this.#parts.issuers).slice(0, MAX_NAMED);
    return inForce.map((one) => `${one.generation.issuer} is ${standingIn(ledger, one).state}`).join(', ');
  }

  #done(move: IssuerMove, notes: readonly string[]): ActOutcome {
    const { issuer: name, id: issuer, from, to, actor, reason } = move;
    this.#parts.events.issuerMoved({ name, issuer, from, to, actor, reason });
    return { outcome: 'done', move, notes };
  }

  /** Acts that wait for a second person. */
  pending(): readonly PendingAct[] {
    return WAITING_ISSUER_ACTS.at(this.#parts.ledger.current(), this.#parts.clock.nowMs());
  }

  async #meant(asked: Pick<AskedAct, 'issuer' | 'id'>, options: Waits): Promise<KnownGeneration> {
    const { issuers, ledger, clock } = this.#parts;
    const known = await generationsAt(this.#parts, ledger.current(), clock.nowMs(), options);
    const names = issuers.all().map(({ name }) => name);
    return generationMeant(known, names, asked);
  }

  /** @returns what the operator is to know of it. @throws AuthorityError CAP-O03 when something stands against it. */
  async #judge(wanted: WantedAct, meant: KnownGeneration, options: Waits): Promise<readonly string[]> {
    const outage = this.#outage(this.#parts.ledger.current(), wanted.act, meant);
    const against = [...outage, ...(wanted.act === 'retire' ? await this.#leaves(meant, options) : [])];
    demandNothingAgainst(wanted, against);
    return against;
  }

  /** With a look at who else can sign by the ledger as it is then: two operators may each take away the other's last issuer. */
  #acted(ledger: IssuerLedger, meant: KnownGeneration, wanted: WantedAct, by: Authorship): Acted {
    demandNothingAgainst(wanted, this.#outage(ledger, wanted.act, meant));
    return acted(ledger, meant, wanted.act, by);
  }

  /** That nobody else could sign. An issuer that signs nothing now takes nothing away. */
  #outage(ledger: IssuerLedger, act: IssuerAct, { named, generation }: KnownGeneration): readonly string[] {
    if (act === 'resume' || named === undefined) return [];
    const signing = generationsInForce(this.#parts.issuers).filter(
      ({ generation: one, named: its }) => its?.state.kind === 'ready' && withdrawalOf(ledger, one) === undefined,
    );
    const { id, keyId } = generation;
    if (!signing.some((one) => one.generation.id === id)) return [];
    if (signing.some((one) => one.generation.keyId !== keyId)) return [];
    return ['no other issuer can sign: requests are refused with CAP-S14, and leaves end one after the other'];
  }

  async #leaves({ generation: { id } }: KnownGeneration, options: Waits): Promise<readonly string[]> {
    const nowMs = this.#parts.settled.nowMs();
    const window = { nowMs, sinceMs: nowMs - this.#longestLeafMs };
    const { count, latestEndMs } = await this.#parts.statistics.liveLeavesOf(id, window, options);
    if (count === 0) return [];
    const leaves = count === 1 ? '1 leaf' : `${count} leaves`;
    return [`${leaves} of certificate ${id} live, the last until ${formatTime(latestEndMs ?? nowMs)}`];
  }

  #needsTwo(act: IssuerAct): boolean {
    const operation: GuardedOperation = `issuer.${act}`;
    return this.#parts.policies.current().bundle.twoPersons.includes(operation);
  }

  async #propose(
    wanted: WantedAct,
    meant: KnownGeneration,
    operator: Operator,
    timeMs: number,
    options: Waits,
  ): Promise<ActOutcome> {
    const { act: pending } = await this.#parts.ledger.change((ledger) => {
      // What could not be done at once is not worth a second person's time.
      acted(ledger, meant, wanted.act, { timeMs, actor: operator.actor, role: operator.role, reason: wanted.reason });
      const next = WAITING_ISSUER_ACTS.proposed(ledger, wanted, { ...operator, timeMs });
      if ('problem' in next) throw refusal(wanted.issuer, next.problem);
      const { state } = standingIn(ledger, meant);
      return { ...next, operation: proposalRecord(next.act, state) };
    }, options);
    return { outcome: 'pending', pending };
  }
}

/** Issuers in one line; whoever has more of them asks `capstan issuer list`. */
const MAX_NAMED = 10;

/** @throws AuthorityError CAP-O03 */
function demandNothingAgainst({ act, issuer, override }: WantedAct, against: readonly string[]): void {
  if (against.length === 0 || override || act === 'suspend' || act === 'resume') return;
  const flag = act === 'taint' ? '--force' : '--override';
  const detail = `issuer ${issuer}: ${against.join('; ')} (${flag} does it all the same)`;
  throw new AuthorityError('CAP-O03', { detail });
}

interface Acted {
  readonly ledger: IssuerLedger;
  readonly move: IssuerMove;
  readonly operation: OperationRecord;
}

/** @throws AuthorityError CAP-O03 */
function acted(ledger: IssuerLedger, { generation, unmoved }: KnownGeneration, act: IssuerAct, by: Authorship): Acted {
  const next = moved(ledger, generation, act, unmoved, by);
  if ('problem' in next) throw refusal(generation.issuer, next.problem);
  return { ...next, operation: recordOf(act, next.move) };
}

function refusal(issuer: string, problem: string): AuthorityError {
  return new AuthorityError('CAP-O03', { detail: `issuer ${issuer} ${problem}` });
}

function recordOf(act: IssuerAct, move: IssuerMove): OperationRecord {
  const { timeMs, actor, role, reason, approvedBy, issuer, id, from, to } = move;
  const target = targetOf({ issuer, id });
  const details = { actor, role, target, reason, ...(approvedBy !== undefined && { approvedBy }) };
  return { timeMs, operation: `issuer ${act}`, was: from, is: to, details };
}

function proposalRecord(
  { act, issuer, id, digest, timeMs, actor, role, reason }: PendingAct,
  was: string,
): OperationRecord {
  const details = { actor, role, target: targetOf({ issuer, id }), reason };
  return { timeMs, operation: `issuer ${act}`, was, is: `pending ${digest}`, details };
}

export function targetOf({ issuer, id }: { readonly issuer: string; readonly id?: string }): string {
  return id === undefined ? `issuer ${issuer}` : `issuer ${issuer} ${id}`;
}
