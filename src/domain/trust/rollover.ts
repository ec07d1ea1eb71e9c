// When an issuer gets its next certificate, and when that comes in force: a step for each view of its pairs. Pure, so that every
// order of events can be tried.
import type { LifecycleState } from './issuer-state.ts';

export interface Life {
  readonly notBeforeMs: number;
  readonly notAfterMs: number;
}

export interface RolloverShares {
  /** Of the life of the certificate in force: the next one is asked for then, and comes in force then. */
  readonly prepareAt: number;
  readonly activateAt: number;
}

export interface RolloverView {
  readonly current?: Life & { readonly id: string; readonly state: LifecycleState };
  readonly prepared?: Life & {
    readonly id: string;
    readonly state: LifecycleState;
    /** Why it does not come in force yet, in words; nothing when its time alone decides. */
    readonly heldBack?: string | undefined;
  };
}

export type RolloverStep =
  | { readonly kind: 'ask'; readonly why: string }
  | { readonly kind: 'activate'; readonly id: string; readonly why: string }
  | { readonly kind: 'discard'; readonly id: string; readonly why: string }
  /** `untilMs`: in ms since the epoch; Infinity where it depends on somebody. `next`: what is due then. */
  | { readonly kind: 'wait'; readonly untilMs: number; readonly next: 'ask' | 'activate' };

/** @returns the moment at which a share of a life is over, in ms since the epoch. */
export function shareOver({ notBeforeMs, notAfterMs }: Life, share: number): number {
  return notBeforeMs + share * (notAfterMs - notBeforeMs);
}

/** @returns what is to be done now. */
export function rolloverStep(view: RolloverView, shares: RolloverShares, nowMs: number): RolloverStep {
  const { current, prepared } = view;
  const urgent = urgency(current, nowMs);
  if (prepared === undefined) return whenToAsk(current, urgent, shares, nowMs);
  const { id } = prepared;
  if (isLost(prepared.state)) return { kind: 'discard', id, why: `it is ${prepared.state}` };
  if (prepared.notAfterMs <= nowMs) return { kind: 'discard', id, why: 'it has ended' };
  const dueMs = Math.max(prepared.notBeforeMs, current === undefined ? 0 : shareOver(current, shares.activateAt));
  // Who suspends an issuer does not want another certificate of it to sign in its place. Where there is none, a suspended one comes in
  // force and signs nothing.
  const suspended = current !== undefined && (prepared.state === 'suspended' || current.state === 'suspended');
  const untilMs = suspended || prepared.heldBack !== undefined ? Infinity : urgent === undefined ? dueMs : 0;
  if (nowMs < untilMs) return { kind: 'wait', untilMs, next: 'activate' };
  return { kind: 'activate', id, why: urgent ?? overdue(shares.activateAt, current?.id ?? '') };
}

function whenToAsk(
  current: RolloverView['current'],
  urgent: string | undefined,
  { prepareAt }: RolloverShares,
  nowMs: number,
): RolloverStep {
  if (current === undefined || urgent !== undefined) return { kind: 'ask', why: urgent ?? FIRST };
  const untilMs = shareOver(current, prepareAt);
  return nowMs < untilMs
    ? { kind: 'wait', untilMs, next: 'ask' }
    : { kind: 'ask', why: overdue(prepareAt, current.id) };
}

const FIRST = 'the issuer has no certificate yet';

/** Why nothing is waited for; nothing while the certificate in force can sign. */
function urgency(current: RolloverView['current'], nowMs: number): string | undefined {
  if (current === undefined) return FIRST;
  if (isLost(current.state)) return `certificate ${current.id} is ${current.state}`;
  return current.notAfterMs <= nowMs ? `certificate ${current.id} has ended` : undefined;
}

function isLost(state: LifecycleState): boolean {
  return state === 'tainted' || state === 'retired';
}

function overdue(share: number, id: string): string {
  return `${Math.round(share * 100)} % of the life of certificate ${id} are over`;
}
