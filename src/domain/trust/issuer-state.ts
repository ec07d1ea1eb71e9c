// What may become of an issuer certificate over time, and by which act of an operator. An issuer is a name of the
// configuration; each certificate that it signs with is a generation of its own, and it is generations that have states.

export const LIFECYCLE_STATES = [
  'preparing',
  'prepared',
  'active',
  'retiring',
  'retired',
  'suspended',
  'tainted',
] as const;
export type LifecycleState = (typeof LIFECYCLE_STATES)[number];

/** What operators do to a generation; each is a command of the same name. */
export const ISSUER_ACTS = ['suspend', 'resume', 'taint', 'retire'] as const;
export type IssuerAct = (typeof ISSUER_ACTS)[number];

/** States in which nothing is signed, whatever else is in order. */
export const WITHDRAWN = ['suspended', 'tainted', 'retired'] as const satisfies readonly LifecycleState[];
export type WithdrawnState = (typeof WITHDRAWN)[number];

/**
 * Where each state may lead. A key that is not trusted any more is never trusted again, and what is retired stays so:
 * the way back is another certificate with another key.
 */
const MOVES: Readonly<Record<LifecycleState, readonly LifecycleState[]>> = {
  preparing: ['prepared', 'tainted', 'retired'],
  prepared: ['active', 'suspended', 'tainted', 'retired'],
  active: ['retiring', 'suspended', 'tainted', 'retired'],
  retiring: ['active', 'suspended', 'tainted', 'retired'],
  suspended: ['prepared', 'active', 'retiring', 'tainted', 'retired'],
  tainted: ['retired'],
  retired: [],
};

const TARGETS: Readonly<Record<Exclude<IssuerAct, 'resume'>, LifecycleState>> = {
  suspend: 'suspended',
  taint: 'tainted',
  retire: 'retired',
};

export function mayBecome(from: LifecycleState, to: LifecycleState): boolean {
  return MOVES[from].includes(to);
}

export function isWithdrawn(state: LifecycleState): state is WithdrawnState {
  return (WITHDRAWN as readonly LifecycleState[]).includes(state);
}

/**
 * @param before the state that it was suspended from; means nothing in any other state.
 * @returns the state that the act leads to, or why it may not be done, to follow the issuer's name.
 */
export function stateAfter(
  act: IssuerAct,
  from: LifecycleState,
  before: LifecycleState,
): { readonly to: LifecycleState } | { readonly problem: string } {
  if (act === 'resume' && from !== 'suspended') return { problem: `is ${from}: only a suspended issuer resumes` };
  const to = act === 'resume' ? before : TARGETS[act];
  if (to === from) return { problem: `is ${from} already` };
  return mayBecome(from, to) ? { to } : { problem: `is ${from}, and that is final` };
}
