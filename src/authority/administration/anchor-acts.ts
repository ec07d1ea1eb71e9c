// What operators do to trust anchors: start a rotation, advance, retire, abort, bridge. Each step is judged by what is known of every
// workload, waits for a second person where the policy bundle asks for one, and changes the ledger together with its record.
// It imports much because judging a step asks the issuers, the anchors, the evidence and the policies.
import { AuthorityError } from '../../domain/errors.ts';
import type { GuardedOperation } from '../../domain/policy/documents.ts';
import type { Authorship } from '../../domain/trust/issuer-ledger.ts';
import { TrustBundle } from '../../domain/trust/bundle.ts';
import {
  advanced,
  WAITING_STEPS,
  started,
  type AnchorLedger,
  type PendingStep,
  type RotatingLedger,
  type WantedStep,
} from '../../domain/trust/rotation/anchor-ledger.ts';
import { shortBridge } from '../../domain/trust/rotation/bridge.ts';
import { lagging } from '../../domain/trust/rotation/gate.ts';
import {
  isBridgeAct,
  isUnderWay,
  nameOf,
  type AnchorRotation,
  type RotationAct,
} from '../../domain/trust/rotation/rotation.ts';
import { partialAnchors } from '../../domain/x509/path/judge-certificate.ts';
import type { Issuers } from '../../ports/issuing/issuers.ts';
import { readyIssuersOf } from '../../ports/issuing/issuers.ts';
import type { TrustAnchors } from '../../ports/issuing/trust-anchors.ts';
import type { Clock } from '../../ports/platform/clock.ts';
import type { Events } from '../../ports/platform/events.ts';
import type { PolicySource } from '../../ports/policy/policy-source.ts';
import { bridgeChanged } from '../trust/bridge-change.ts';
import type { FollowedLedger } from '../trust/followed-ledger.ts';
import { demandWaiting, settledIn } from '../trust/waiting-acts.ts';
import { lastMove, MAX_OVERRIDDEN, recordOfBridge, recordOfMove, targetOf } from './anchor-records.ts';
import type { Operator } from './issuer-acts.ts';
import { demandAnother, demandRoleOf, ROLE_OF_ANCHOR_ACT } from './roles.ts';
import type { ReviewedRotation, RotationReview } from './rotation-review.ts';

interface Waits {
  readonly signal: AbortSignal;
}

export interface AnchorActsParts {
  readonly ledger: Pick<FollowedLedger<AnchorLedger>, 'current' | 'look' | 'change'>;
  readonly anchors: TrustAnchors;
  readonly issuers: Pick<Issuers, 'all'>;
  readonly review: Pick<RotationReview, 'look'>;
  readonly policies: Pick<PolicySource, 'current'>;
  readonly clock: Pick<Clock, 'nowMs'>;
  readonly events: Pick<Events, 'rotationMoved' | 'bridgeChanged'>;
}

export interface AskedStep {
  readonly act: RotationAct;
  /** Of `start`: the anchors that come; of `bridge` the cross-certificate. */
  readonly pem?: string;
  readonly reason: string;
  readonly override: boolean;
  /** Judged only. */
  readonly dryRun?: boolean;
}

export type StepOutcome =
  | {
      readonly outcome: 'done';
      readonly act: RotationAct;
      readonly rotation: AnchorRotation;
      readonly notes: readonly string[];
    }
  | { readonly outcome: 'pending'; readonly pending: PendingStep }
  /** What it would be; nothing was done. */
  | { readonly outcome: 'judged'; readonly rotation: AnchorRotation; readonly notes: readonly string[] };

export interface RotationStatus {
  /** The trust anchors that go out, in order. */
  readonly anchors: readonly { readonly sha256: string; readonly subject: string; readonly notAfterMs: number }[];
  readonly rotation?: AnchorRotation;
  /** Of a rotation under way. */
  readonly review?: ReviewedRotation;
  /** There is no review yet, because what is known of workloads is still being read: ask again. */
  readonly reading?: true;
  readonly pending: readonly PendingStep[];
}

export class AnchorActs {
  readonly #parts: AnchorActsParts;
  readonly #longestLeafMs: number;

  /** @param settings.longestLeafMs no leaf lives longer. */
  constructor(parts: AnchorActsParts, settings: { readonly longestLeafMs: number }) {
    this.#parts = parts;
    this.#longestLeafMs = settings.longestLeafMs;
  }

  /** @throws AuthorityError CAP-S04 when what is known of workloads cannot be read. */
  async status(options: Waits): Promise<RotationStatus> {
    const { anchors, ledger, review, clock } = this.#parts;
    const known = ledger.current();
    const { rotation } = known;
    const looked = isUnderWay(rotation) && ((await review.look(rotation, options)) ?? 'reading');
    return {
      anchors: anchors.current().anchors.map(({ sha256, subject, notAfterMs }) => ({ sha256, subject, notAfterMs })),
      ...(rotation !== undefined && { rotation }),
      ...(looked === 'reading' ? { reading: true } : looked && { review: looked }),
      pending: WAITING_STEPS.at(known, clock.nowMs()),
    };
  }

  /**
   * Does it, or has it wait for a second person.
   * @throws AuthorityError CAP-O02 for anchors that are none, CAP-O03 for what the phase does not allow or what live workloads
   *   stand against, naming them, CAP-S02 before policies are loaded, CAP-S04 when it cannot be known or recorded, CAP-S07 while
   *   workloads are still being read.
   */
  async ask(
    { act, pem, reason, override, dryRun = false }: AskedStep,
    operator: Operator,
    options: Waits,
  ): Promise<StepOutcome> {
    const { clock, ledger } = this.#parts;
    const rotation = act === 'start' ? undefined : ledger.current().rotation?.id;
    const wanted: WantedStep = {
      act,
      ...(rotation !== undefined && { rotation }),
      ...(pem !== undefined && { pem }),
      reason,
      override,
    };
    const by = { timeMs: clock.nowMs(), actor: operator.actor, role: operator.role, reason };
    const judged = await this.#judge(wanted, options);
    if (dryRun) {
      const { rotation: judgedTo } = this.#after(ledger.current(), wanted, by, judged);
      return { outcome: 'judged', rotation: judgedTo, notes: this.#notesOf(act, judgedTo, judged) };
    }
    if (this.#needsTwo(act)) return this.#propose(wanted, judged, { ...by, ...operator }, options);
    return this.#do(wanted, judged, by, (known) => known, options);
  }

  /**
   * Does what another person asked for, as if it were asked for now.
   * @throws AuthorityError as `ask`; CAP-O01 when who approves could not ask for it himself; CAP-O04 when who approves is no
   *   other person; CAP-O02 when nothing of that name waits.
   */
  async approve(digest: string, operator: Operator, options: Waits): Promise<StepOutcome> {
    const { clock, ledger } = this.#parts;
    const timeMs = clock.nowMs();
    const waiting = { waiting: WAITING_STEPS, ledger, standing: standingOf };
    const step = await demandWaiting(waiting, digest, timeMs, options);
    demandRoleOf(operator, ROLE_OF_ANCHOR_ACT[step.act]);
    demandAnother(step, operator);
    const judged = await this.#judge(step, options);
    const { actor, role, reason } = step;
    const by = { timeMs, actor, role, reason, approvedBy: operator.actor };
    return this.#do(step, judged, by, (known) => settledIn(waiting, known, digest, timeMs), options);
  }

  /** @returns what stands against it. @throws AuthorityError CAP-O03 when that is not overridden. */
  async #judge({ act, rotation: id, override }: WantedStep, options: Waits): Promise<readonly string[]> {
    if (act === 'start' || act === 'abort' || act === 'bridge') return [];
    const { ledger, review } = this.#parts;
    const { rotation } = ledger.current();
    // The phase is looked at where it is changed.
    if (rotation?.id !== id || !isUnderWay(rotation) || !LEAVES[act].includes(rotation.phase)) return [];
    const reviewed = await review.look(rotation, options);
    if (reviewed === undefined) throw new AuthorityError('CAP-S07', { detail: STILL_READING });
    const obstacles =
      act === 'unbridge'
        ? lagging(reviewed.progress.bridged, 'bridged and would verify no peer any more')
        : reviewed.obstacles;
    const against = obstacles.map(({ text, advice }) => (advice === undefined ? text : `${text} (${advice})`));
    if (against.length === 0 || override) return against;
    const detail = `${against.join('; ')} (--override does it all the same)`;
    throw new AuthorityError('CAP-O03', { detail });
  }

  async #do(
    wanted: WantedStep,
    notes: readonly string[],
    by: Authorship,
    settle: (known: AnchorLedger) => AnchorLedger,
    options: Waits,
  ): Promise<StepOutcome> {
    const { rotation, before } = await this.#parts.ledger.change((known) => {
      const next = this.#after(settle(known), wanted, by, notes);
      const { act } = wanted;
      const operation =
        isBridgeAct(act) && known.rotation !== undefined
          ? recordOfBridge(act, known.rotation, next.rotation, by, notes)
          : recordOfMove(act, next.rotation);
      return { ledger: next, rotation: next.rotation, before: known.rotation, operation };
    }, options);
    const { actor, reason } = by;
    if (isBridgeAct(wanted.act)) {
      const { sha256 = '' } = rotation.bridge ?? before?.bridge ?? {};
      const certificate = sha256.slice(0, 16);
      this.#parts.events.bridgeChanged({ act: wanted.act, rotation: rotation.id, certificate, actor, reason });
      return { outcome: 'done', act: wanted.act, rotation, notes: this.#notesOf(wanted.act, rotation, notes) };
    }
    const { from, to } = lastMove(rotation);
    this.#parts.events.rotationMoved({ rotation: rotation.id, ...(from && { from }), to, actor, reason });
    return { outcome: 'done', act: wanted.act, rotation, notes };
  }

  /** @throws AuthorityError CAP-O03 when the ledger, as it is by now, does not allow it; CAP-O02. */
  #after(known: AnchorLedger, wanted: WantedStep, by: Authorship, against: readonly string[]): RotatingLedger {
    const { act } = wanted;
    if (act === 'start') return this.#started(known, wanted, by);
    if (isBridgeAct(act)) return bridgeChanged(known, wanted, by, this.#parts.anchors.current());
    const current = known.rotation;
    if (current?.id !== wanted.rotation) throw refusal(`${standingOf(known)} by now`);
    const overridden = against.length === 0 ? undefined : against.join('; ').slice(0, MAX_OVERRIDDEN);
    const next = advanced(known, act, { ...by, ...(overridden !== undefined && { overridden }) });
    if ('problem' in next) throw refusal(next.problem);
    return next;
  }

  #started(known: AnchorLedger, { pem = '' }: WantedStep, by: Authorship) {
    const { anchors, issuers } = this.#parts;
    const inForce = anchors.current();
    const added = TrustBundle.fromPem(inForce.trustDomain, pem);
    if ('problem' in added) throw new AuthorityError('CAP-O02', { detail: `the file of new anchors ${added.problem}` });
    const [unfit] = anchors.partialAnchors ? [] : partialAnchors(added.anchors);
    if (unfit !== undefined) throw new AuthorityError('CAP-O02', { detail: `${nameOf(unfit)} is not self-signed` });
    const signing = readyIssuersOf(issuers).map(({ id }) => id);
    const next = started(known, { added, inForce, signing }, by);
    if ('problem' in next) throw refusal(next.problem);
    return next;
  }

  /** What is to be said of a step beside what stood against it. */
  #notesOf(act: RotationAct, { bridge }: AnchorRotation, against: readonly string[]): readonly string[] {
    if (act !== 'bridge' || bridge === undefined) return against;
    const short = shortBridge(bridge, this.#longestLeafMs, this.#parts.clock.nowMs());
    return short === undefined ? against : [...against, short];
  }

  #needsTwo(act: RotationAct): boolean {
    const operation: GuardedOperation = `anchor.${act}`;
    return this.#parts.policies.current().bundle.twoPersons.includes(operation);
  }

  async #propose(
    wanted: WantedStep,
    against: readonly string[],
    { names, timeMs, actor, role, reason }: Authorship & Pick<Operator, 'names'>,
    options: Waits,
  ): Promise<StepOutcome> {
    const by = { timeMs, actor, role, reason };
    const { act: pending } = await this.#parts.ledger.change((known) => {
      // What could not be done at once is not worth a second person's time.
      const { rotation } = this.#after(known, wanted, by, against);
      const next = WAITING_STEPS.proposed(known, wanted, {
        timeMs,
        actor,
        role,
        ...(names !== undefined && { names }),
      });
      if ('problem' in next) throw refusal(`it ${next.problem}`);
      const { from, to } = lastMove(rotation);
      const details = { actor: by.actor, role: by.role, target: targetOf(rotation), reason: by.reason };
      const is = `pending ${next.act.digest}`;
      const operation = { timeMs: by.timeMs, operation: `anchor ${wanted.act}`, was: from ?? '-', is, details };
      return { ...next, operation, to };
    }, options);
    return { outcome: 'pending', pending };
  }
}

/** In which phases each step has a gate. */
const LEAVES: Readonly<Record<'advance' | 'retire' | 'unbridge', readonly AnchorRotation['phase'][]>> = {
  advance: ['publish'],
  retire: ['adopt'],
  // In publish too an issuer may be below the new anchor alone: one that was so when the rotation began.
  unbridge: ['publish', 'adopt'],
};
const STILL_READING = 'what is known of live workloads is still being read: ask again in a moment';

function refusal(detail: string): AuthorityError {
  return new AuthorityError('CAP-O03', { detail });
}

function standingOf({ rotation }: AnchorLedger): string {
  return rotation === undefined ? 'there is no rotation' : `the rotation ${rotation.id} is in phase ${rotation.phase}`;
}
