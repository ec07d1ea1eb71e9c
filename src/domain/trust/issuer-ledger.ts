// What operators decided about issuers, as one value that the processes and servers of a CA share: every move with its
// time, actor and reason, and the acts that wait for a second person. A change gives another value.
import { PendingActs, type Waiting } from '../administration/pending-acts.ts';
import { isWithdrawn, stateAfter, type IssuerAct, type LifecycleState, type WithdrawnState } from './issuer-state.ts';

/** One certificate that an issuer of the configuration signs with. */
export interface Generation {
  /** As policies call the issuer. */
  readonly issuer: string;
  /** Hex SHA-256 of the certificate, first 16 digits. */
  readonly id: string;
  /** Hex SHA-256 of its public key (DER SubjectPublicKeyInfo): a certificate of the same key is as good or bad as this one. */
  readonly keyId: string;
  /** After that nothing signs with it, in ms since the epoch. */
  readonly notAfterMs: number;
}

/** Who did it, and why. */
export interface Authorship {
  readonly timeMs: number;
  /** `local` for the Unix socket, otherwise the name in the client certificate. */
  readonly actor: string;
  readonly role: string;
  readonly reason: string;
  /** The second person, where the policy bundle asks for one. */
  readonly approvedBy?: string;
}

export interface IssuerMove extends Generation, Authorship {
  readonly from: LifecycleState;
  readonly to: LifecycleState;
}

/** What somebody wants to be done. */
export interface WantedAct {
  readonly act: IssuerAct;
  readonly issuer: string;
  readonly id: string;
  readonly reason: string;
  /** It was asked for although something stands against it: nobody else can sign, or leaves live. */
  readonly override: boolean;
}

/** An act that waits for a second person. */
export type PendingAct = WantedAct & Waiting;

export const WAITING_ISSUER_ACTS = new PendingActs<WantedAct>({
  contentOf: ({ act, issuer, id, reason, override }) => ({ act, issuer, id, reason, override }),
  most: 100,
});

export interface IssuerLedger {
  /** Oldest first. */
  readonly moves: readonly IssuerMove[];
  readonly pending: readonly PendingAct[];
}

export const NO_LEDGER: IssuerLedger = { moves: [], pending: [] };

/** Of a generation at one moment. */
export interface Standing {
  readonly state: LifecycleState;
  /** What brought it there; absent while nobody did anything. */
  readonly by?: IssuerMove;
}

/** Moves that are kept; the journal has all of them. The last of each certificate that has not ended is never among those that go. */
const MAX_MOVES = 1_000;

/**
 * @param unmoved its state where nobody did anything.
 * @returns the state of a generation: its own, or that of a certificate of the same key which may not sign.
 */
export function standingOf(
  { moves }: IssuerLedger,
  { id, keyId }: Pick<Generation, 'id' | 'keyId'>,
  unmoved: LifecycleState,
): Standing {
  const own = moves.findLast((move) => move.id === id);
  if (own !== undefined && isWithdrawn(own.to)) return { state: own.to, by: own };
  const twin = lastOfEach(moves.filter((move) => move.keyId === keyId && move.id !== id)).find(({ to }) =>
    isWithdrawn(to),
  );
  if (twin !== undefined) return { state: twin.to, by: twin };
  return own === undefined ? { state: unmoved } : { state: own.to, by: own };
}

/** @returns why it may sign nothing, with the move that says so; nothing when it may. */
export function withdrawalOf(
  ledger: IssuerLedger,
  generation: Pick<Generation, 'id' | 'keyId'>,
): { readonly state: WithdrawnState; readonly by: IssuerMove } | undefined {
  const { state, by } = standingOf(ledger, generation, 'active');
  return by !== undefined && isWithdrawn(state) ? { state, by } : undefined;
}

/** @returns whether its key was tainted, by this or another certificate of it; what was retired after that stays so. */
export function isTainted({ moves }: IssuerLedger, { id, keyId }: Pick<Generation, 'id' | 'keyId'>): boolean {
  const ofKey = moves.filter((move) => move.id === id || move.keyId === keyId);
  return lastOfEach(ofKey).some(({ from, to }) => to === 'tainted' || (to === 'retired' && from === 'tainted'));
}

export interface Moved {
  readonly ledger: IssuerLedger;
  readonly move: IssuerMove;
}

/**
 * @param unmoved the state of the generation where nobody did anything.
 * @returns the ledger with the move, or why the generation may not be moved so, to follow the issuer's name.
 */
export function moved(
  ledger: IssuerLedger,
  generation: Generation,
  act: IssuerAct,
  unmoved: LifecycleState,
  by: Authorship,
): Moved | { readonly problem: string } {
  const { state: from, by: last } = standingOf(ledger, generation, unmoved);
  const after = stateAfter(act, from, last?.from ?? unmoved);
  if ('problem' in after) return after;
  if (last !== undefined && last.id !== generation.id && act === 'resume')
    return { problem: `is ${from} as ${last.id}, which has the same key: resume that one with --id` };
  return recorded(ledger, generation, { from, to: after.to }, by);
}

/** @returns the ledger with a move that Capstan made by itself: a step of a rollover, whose order the pairs of the issuer decide. */
export function recorded(
  ledger: IssuerLedger,
  { issuer, id, keyId, notAfterMs }: Generation,
  { from, to }: Pick<IssuerMove, 'from' | 'to'>,
  by: Authorship,
): Moved {
  const move: IssuerMove = { issuer, id, keyId, notAfterMs, ...by, from, to };
  return { ledger: { ...ledger, moves: bounded([...ledger.moves, move], by.timeMs) }, move };
}

function lastOfEach(moves: readonly IssuerMove[]): readonly IssuerMove[] {
  return [...new Map(moves.map((move) => [move.id, move])).values()];
}

/** The oldest go, of those that decide nothing any more. */
function bounded(moves: readonly IssuerMove[], nowMs: number): readonly IssuerMove[] {
  const deciding = new Set(lastOfEach(moves).filter(({ notAfterMs }) => nowMs < notAfterMs));
  let spare = moves.length - MAX_MOVES;
  return moves.filter((move) => deciding.has(move) || spare-- <= 0);
}
